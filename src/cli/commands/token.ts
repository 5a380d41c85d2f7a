/**
 * `tinyforge token add|list|rm`: who may use the HTTP API over TCP. A token goes to stdout alone or
 * to a file of its own, once.
 *
 * @module
 */

import { ROLES } from "../../model/role.ts";
import type { MadeToken, NewToken, ShownToken } from "../../server/api/tokens.ts";
import { quote, quotePath } from "../../text.ts";
import { requireIndex, withApi } from "../client.ts";
import { CommandError, EXIT, usageError } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { duration } from "../durations.ts";
import { printTable } from "../table.ts";

/** Makes one. */
export async function add(invocation: InvocationOf<"token add">): Promise<number> {
  const { out, operands: [name] } = invocation;
  const role = ROLES.find((role) => role === invocation.flag("role"));
  if (role === undefined) {
    throw usageError(
      "Cannot add a token: what it opens is not told",
      `say --role ${ROLES.join("|")}`,
    );
  }
  const span = invocation.flag("expires");
  const ms = span === undefined ? null : duration(span, "expires");
  const expiresAt = ms === null ? null : new Date(Date.now() + ms);
  if (expiresAt !== null && Number.isNaN(expiresAt.getTime())) {
    throw usageError(`Cannot use --expires ${quote(span!)}: too far away`, "as in 90d");
  }
  const body: NewToken = {
    name,
    role,
    ...(expiresAt !== null && { expiresAt: expiresAt.toISOString() }),
  };
  const make = () =>
    withApi(
      invocation.config(),
      (api) => api.request<MadeToken>("POST", "/api/tokens", body),
      { creates: true },
    );
  const file = invocation.flag("file");
  const made = file === undefined ? await make() : await writtenTo(file, make);
  const { token, ...told } = made;
  if (invocation.on("json")) out.json(file === undefined ? made : told);
  else if (file === undefined) out.lines(token);
  const until = told.expiresAt === null ? "" : `, until ${told.expiresAt}`;
  out.notes(
    `Token ${quote(told.name)} has the role ${told.role}${until}.` +
      (file === undefined ? " It is not shown again." : ` It is in ${quotePath(file)}.`),
  );
  return EXIT.done;
}

/** The file is made first: a token that nobody can keep would open things for nobody. */
async function writtenTo(path: string, make: () => Promise<MadeToken>): Promise<MadeToken> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { createNew: true, write: true, mode: 0o600 });
  } catch (cause) {
    const [reason, hint] = cause instanceof Deno.errors.AlreadyExists
      ? ["there is a file already", "name another one, or remove it first"]
      : cause instanceof Deno.errors.NotFound
      ? ["there is no such directory", "make it"]
      : cause instanceof Deno.errors.PermissionDenied
      ? ["permission denied", "name one in a directory that this user may write to"]
      : [(cause as Error).message, ""];
    throw new CommandError(`Cannot write ${quotePath(path)}: ${reason}`, { hint, cause });
  }
  try {
    using open = file;
    const made = await make();
    const bytes = new TextEncoder().encode(`${made.token}\n`);
    for (let written = 0; written < bytes.length;) {
      written += await open.write(bytes.subarray(written));
    }
    await open.sync();
    return made;
  } catch (error) {
    await Deno.remove(path).catch(() => {});
    throw error;
  }
}

/** Prints them, not what they are. */
export async function list(invocation: InvocationOf<"token list">): Promise<number> {
  const { out } = invocation;
  const { items } = await requireIndex(
    invocation,
    (api) => api.get<{ items: ShownToken[] }>("/api/tokens"),
  );
  if (invocation.on("json")) {
    out.json({ items });
    return EXIT.done;
  }
  const now = new Date().toISOString();
  const cells = items.map(({ name, role, createdAt, expiresAt }) => [
    name,
    role,
    createdAt,
    expiresAt === null
      ? "never"
      : expiresAt > now
      ? expiresAt
      : { text: `over since ${expiresAt}`, style: "warn" as const },
  ]);
  printTable(out, cells, { header: ["NAME", "ROLE", "MADE", "ENDS"] });
  if (items.length === 0) out.notes("There are no tokens but the one in the data directory.");
  return EXIT.done;
}

/** Removes one. */
export async function remove(invocation: InvocationOf<"token rm">): Promise<number> {
  const { out, operands: [name] } = invocation;
  await withApi(
    invocation.config(),
    (api) => api.request("DELETE", `/api/tokens/${encodeURIComponent(name)}`),
  );
  if (invocation.on("json")) out.json({ name });
  else out.notes(`Token ${quote(name)} opens nothing any more.`);
  return EXIT.done;
}
