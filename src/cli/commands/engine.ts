/**
 * `tinyforge engine accept`: a person says that another Engine is the right one now.
 *
 * @module
 */

import { withApi } from "../client.ts";
import { EXIT } from "../command.ts";
import { quote } from "../../text.ts";
import type { InvocationOf } from "../commands.ts";

/** Accepts the Engine that was found. */
export async function accept(invocation: InvocationOf<"engine accept">): Promise<number> {
  const { out } = invocation;
  const accepted = await withApi(
    invocation.config(),
    (api) => api.request<{ engineId: string | null }>("POST", "/api/engine/accept"),
  );
  if (invocation.on("json")) out.json(accepted);
  else if (accepted.engineId === null) out.notes("No other Engine was waiting to be accepted.");
  else out.notes(`Accepted Engine ${quote(accepted.engineId)}; its listings sweep from now on.`);
  return EXIT.done;
}
