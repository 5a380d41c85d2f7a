/**
 * `tinyforge token add|renew|list|rm`: who may use the HTTP API over TCP. A token goes to stdout
 * alone or to a file of its own, once.
 *
 * @module
 */

import { ROLES } from "../../model/role.ts";
import type { MadeToken, NewToken, ShownToken, TokenRenewal } from "../../server/api/tokens.ts";
import { quote, quotePath } from "../../text.ts";
import { requireIndex, withApi } from "../client.ts";
import { CommandError, EXIT, usageError } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { duration } from "../durations.ts";
import { fullTimeText, timeText } from "../moments.ts";
import { largestUnit } from "../phrases.ts";
import { type Cell, printTable } from "../table.ts";

/** What is said instead of a span. */
const NEVER = "never";

/** How long before its end it is said how it can be another, milliseconds. */
const SOON_MS = 14 * 86_400_000;

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
  const expiresAt = endOf(invocation.flag("expires") ?? NEVER);
  const body: NewToken = { name, role, ...(expiresAt !== null && { expiresAt }) };
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
  const until = told.expiresAt === null ? "" : `, until ${fullTimeText(told.expiresAt)}`;
  out.notes(
    `Token ${quote(told.name)} has the role ${told.role}${until}.` +
      (file === undefined ? " It is not shown again." : ` It is in ${quotePath(file)}.`),
  );
  return EXIT.done;
}

/** Has one open things until another moment. */
export async function renew(invocation: InvocationOf<"token renew">): Promise<number> {
  const { out, operands: [name] } = invocation;
  const span = invocation.flag("expires");
  if (span === undefined) {
    throw usageError(
      `Cannot renew token ${quote(name)}: until when is not told`,
      "say --expires 90d, or --expires never",
    );
  }
  const body: TokenRenewal = { expiresAt: endOf(span) };
  const token = await withApi(
    invocation.config(),
    (api) => api.request<ShownToken>("PATCH", `/api/tokens/${encodeURIComponent(name)}`, body),
  );
  const { expiresAt, role } = token;
  if (invocation.on("json")) out.json(token);
  else {
    out.notes(
      `Token ${quote(token.name)} has the role ${role}, ` +
        (expiresAt === null ? "without an end." : `until ${fullTimeText(expiresAt)}.`),
    );
  }
  return EXIT.done;
}

/** The moment, RFC 3339 UTC; null: none. */
function endOf(span: string): string | null {
  if (span === NEVER) return null;
  const time = new Date(Date.now() + duration(span, "expires"));
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw usageError(`Cannot use --expires ${quote(span)}: too far away`, "as in 90d");
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
  const now = new Date();
  const cells = items.map((token) => [
    token.name,
    token.role,
    timeText(token.createdAt, now),
    endCell(token, now),
  ]);
  printTable(out, cells, { header: ["NAME", "ROLE", "MADE", "ENDS"] });
  for (const token of items) {
    const left = leftOf(token, now);
    if (left <= 0 || left > SOON_MS) continue;
    out.notes(
      `Token ${quote(token.name)} ends in ${largestUnit(left / 1000)}: ` +
        `tinyforge token renew ${token.name} --expires 90d`,
    );
  }
  if (items.length === 0) out.notes("There are no tokens but the one in the data directory.");
  return EXIT.done;
}

/** Milliseconds until its end. */
function leftOf({ expiresAt }: ShownToken, now: Date): number {
  return expiresAt === null ? Infinity : Date.parse(expiresAt) - now.getTime();
}

function endCell(token: ShownToken, now: Date): Cell {
  if (token.expiresAt === null) return NEVER;
  const end = timeText(token.expiresAt, now);
  const left = leftOf(token, now);
  if (left > SOON_MS) return end;
  return { text: left > 0 ? end : `over since ${end}`, style: "warn" };
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
