/**
 * `tinyforge join` and `leave`: whether a hub is told what runs here. Writes the membership down; the
 * daemon looks for it by itself.
 *
 * @module
 */

import { SYSTEM_CLOCK, timestamp } from "../../clock.ts";
import { Failure, isFailure } from "../../failure.ts";
import { readAuthority } from "../../hub/authority.ts";
import { HubClient, hubUrl } from "../../hub/hub_client.ts";
import { keepMembership, type KeptMembership, readMembership } from "../../hub/membership.ts";
import { isObject } from "../../hub/told_fields.ts";
import { quote } from "../../text.ts";
import { refuseBesideHub } from "../beside_hub.ts";
import { CommandError, EXIT, usageError } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { indexExists } from "../data_dir.ts";
import { refuseWithout, withoutIndex } from "../other_daemon.ts";

/** Who can be a member. */
const ON_THE_HOST = "type it on the host that the hub is to show, beside its daemon";

/** Shows the token and keeps what is given for it. */
export async function join(invocation: InvocationOf<"join">): Promise<number> {
  const { out, operands: [address, token] } = invocation;
  const config = invocation.config();
  const { dataDir } = config;
  const url = hubUrl(address);
  const file = invocation.flag("ca");
  const ca = file === undefined ? null : await readAuthority(file);
  await refuseBesideHub("join", { dataDir, hint: ON_THE_HOST });
  if (!await indexExists(dataDir)) throw await withoutIndex("join", config);
  const before = await readMembership(dataDir);
  if (before !== null && before.url === url && token === undefined && ca !== null) {
    // What is joined stays joined: only whom to believe is told anew.
    await believed(url, ca);
    return await keep({ ...before, ca });
  }
  if (before !== null) {
    throw new Failure(
      "hub",
      `Cannot join ${quote(url)}: this host is a member of ${quote(before.url)}, as ${
        quote(before.name)
      }`,
      { data: { wrong: "joined" } },
    );
  }
  if (token === undefined) {
    throw usageError("Cannot join without a token", "`tinyforge hub enroll NAME` prints one");
  }
  // The token is used up by now: a secret that can't be kept takes another one.
  return await keep({
    ...{ url, ca, joinedAt: timestamp(SYSTEM_CLOCK), notifies: invocation.on("notify") },
    ...await admittedBy(url, { token, ca }),
  });

  async function keep(membership: KeptMembership): Promise<number> {
    await keepMembership(dataDir, membership);
    const { name } = membership;
    if (invocation.on("json")) out.json({ url, name });
    else out.notes(`This host is ${quote(name)} at ${url} from now on.`);
    return EXIT.done;
  }
}

/** Forgets it; asks no hub, which may be away or gone. */
export async function leave(invocation: InvocationOf<"leave">): Promise<number> {
  const { out } = invocation;
  const config = invocation.config();
  const { dataDir } = config;
  const membership = await readMembership(dataDir).catch((error) => {
    // Nobody can be a member with a file that can't be read: it is forgotten as well.
    if (isFailure(error, "io") && !(error.cause instanceof Deno.errors.PermissionDenied)) {
      return "unreadable" as const;
    }
    throw error;
  });
  if (membership === null) {
    await refuseBesideHub("leave", { dataDir, hint: ON_THE_HOST });
    await refuseWithout("leave", config);
    throw new CommandError("Cannot leave: this host is a member of no hub");
  }
  await keepMembership(dataDir, null);
  if (membership === "unreadable") {
    if (invocation.on("json")) out.json({ url: null, name: null });
    else out.notes("A membership that could not be read is forgotten.");
    return EXIT.done;
  }
  const { url, name } = membership;
  if (invocation.on("json")) out.json({ url, name });
  else out.notes(`${url} is told nothing more of this host; there it is ${quote(name)} still.`);
  return EXIT.done;
}

async function admittedBy(url: string, { token, ca }: { token: string; ca: string | null }) {
  using client = new HubClient(url, { secret: null, ca });
  const { signal } = new AbortController();
  const wrong = (reason: string, wrong: "token" | "answer") =>
    new Failure("hub", `Cannot join ${quote(url)}: ${reason}`, { data: { wrong } });
  const { status, body } = await client.ask("/api/join", { token }, signal);
  if (status === 401) throw wrong("the token is wrong, used or over", "token");
  if (status === 429) throw wrong("too many wrong tokens came from here: wait a minute", "token");
  if (status !== 201 || !isObject(body)) throw wrong(`it answered ${status}`, "answer");
  const { host, name, secret } = body;
  if (typeof host === "string" && typeof name === "string" && typeof secret === "string") {
    return { host, name, secret };
  }
  throw wrong("its answer is none of a hub", "answer");
}

/** Fails where the certificate that is shown is not of this authority, or nobody is there. */
async function believed(url: string, ca: string): Promise<void> {
  using client = new HubClient(url, { secret: null, ca });
  const { signal } = new AbortController();
  // Whatever is answered to it: it was asked over a connection that is believed.
  await client.ask("/api/hello", {}, signal);
}
