/**
 * `tinyforge session list|rm`: browsers that are logged in, and how to have them so no more where
 * none is at hand.
 *
 * @module
 */

import type { ShownSession } from "../../server/api/sessions.ts";
import { requireIndex, withApi } from "../client.ts";
import { EXIT, usageError } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { timeText } from "../moments.ts";
import { counted } from "../phrases.ts";
import { printTable } from "../table.ts";

interface Sessions {
  readonly items: ShownSession[];
}

/** Prints them. */
export async function list(invocation: InvocationOf<"session list">): Promise<number> {
  const { out } = invocation;
  const { items } = await requireIndex(
    invocation,
    (api) => api.get<Sessions>("/api/sessions"),
  );
  if (invocation.on("json")) {
    out.json({ items });
    return EXIT.done;
  }
  const now = new Date();
  const cells = items.map(({ id, name, role, remote, createdAt, expiresAt, userAgent }) => [
    id,
    name,
    role,
    remote,
    timeText(createdAt, now),
    timeText(expiresAt, now),
    userAgent,
  ]);
  printTable(out, cells, {
    header: ["ID", "OPENED BY", "ROLE", "FROM", "SINCE", "UNTIL", "BROWSER"],
  });
  if (items.length === 0) out.notes("No browser is logged in.");
  return EXIT.done;
}

/** Ends one, or all. */
export async function remove(invocation: InvocationOf<"session rm">): Promise<number> {
  const { out, operands: [id] } = invocation;
  if ((id === undefined) !== invocation.on("all")) {
    throw usageError(
      id === undefined
        ? "Cannot end a session: which one is not told"
        : "Cannot end sessions: --all goes without an id",
      "`tinyforge session list` shows them; --all ends every one",
    );
  }
  const ended = await withApi(invocation.config(), async (api) => {
    const ids = id === undefined
      ? (await api.get<Sessions>("/api/sessions")).items.map((session) => session.id)
      : [id];
    for (const each of ids) {
      await api.request("DELETE", `/api/sessions/${encodeURIComponent(each)}`);
    }
    return ids;
  });
  if (invocation.on("json")) out.json({ ids: ended });
  else out.notes(`Ended ${counted(ended.length, "session")}.`);
  return EXIT.done;
}
