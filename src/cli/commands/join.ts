/**
 * `tinyforge join` and `leave`: whether a hub is told what runs here. Writes the membership down; the
 * daemon looks for it by itself.
 *
 * @module
 */

import { Failure } from "../../failure.ts";
import { HubClient, hubUrl } from "../../hub/hub_client.ts";
import { keepMembership, readMembership } from "../../hub/membership.ts";
import { isObject } from "../../hub/told_fields.ts";
import { quote } from "../../text.ts";
import { CommandError, EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { indexExists, noIndex } from "../data_dir.ts";

/** Shows the token and keeps what is given for it. */
export async function join(invocation: InvocationOf<"join">): Promise<number> {
  const { out, operands: [address, token] } = invocation;
  const { dataDir } = invocation.config();
  const url = hubUrl(address);
  if (!await indexExists(dataDir)) throw noIndex(dataDir);
  const before = await readMembership(dataDir);
  if (before !== null) {
    throw new Failure(
      "hub",
      `Cannot join ${quote(url)}: this host is a member of ${quote(before.url)}, as ${
        quote(before.name)
      }`,
      { data: { wrong: "joined" } },
    );
  }
  const { host, name, secret } = await admittedBy(url, token);
  // The token is used up by now: a secret that can't be kept takes another one.
  const notifies = invocation.on("notify");
  await keepMembership(dataDir, { url, host, name, secret, notifies });
  if (invocation.on("json")) out.json({ url, name });
  else out.notes(`This host is ${quote(name)} at ${url} from now on.`);
  return EXIT.done;
}

/** Forgets it. */
export async function leave(invocation: InvocationOf<"leave">): Promise<number> {
  const { out } = invocation;
  const { dataDir } = invocation.config();
  const membership = await readMembership(dataDir);
  if (membership === null) {
    throw new CommandError("Cannot leave: this host is a member of no hub");
  }
  await keepMembership(dataDir, null);
  const { url, name } = membership;
  if (invocation.on("json")) out.json({ url, name });
  else out.notes(`${url} is told nothing more of this host; there it is ${quote(name)} still.`);
  return EXIT.done;
}

async function admittedBy(url: string, token: string) {
  using client = new HubClient(url, { secret: null });
  const { signal } = new AbortController();
  const wrong = (reason: string, wrong: "connection" | "token" | "answer", cause?: unknown) =>
    new Failure("hub", `Cannot join ${quote(url)}: ${reason}`, { data: { wrong }, cause });
  const answer = await client.ask("/api/join", { token }, signal).catch((error: Error) => {
    throw wrong(innermost(error), "connection", error);
  });
  const { status, body } = answer;
  if (status === 401) throw wrong("the token is wrong, used or over", "token");
  if (status !== 201 || !isObject(body)) throw wrong(`it answered ${status}`, "answer");
  const { host, name, secret } = body;
  if (typeof host === "string" && typeof name === "string" && typeof secret === "string") {
    return { host, name, secret };
  }
  throw wrong("its answer is none of a hub", "answer");
}

/** What fetch says tells nothing; its cause does. */
function innermost(error: unknown): string {
  let at = error as Error;
  while (at.cause instanceof Error) at = at.cause;
  return at.message;
}
