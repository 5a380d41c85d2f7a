/**
 * `tinyforge hub`, `hub enroll|list|rm`: a hub, and which hosts it has. The last three ask a running
 * hub over its socket.
 *
 * @module
 */

import { join } from "@std/path";
import type { HostView, Invitation } from "../../model/hosts.ts";
import { HUB_SOCKET } from "../../system/files.ts";
import { Log, writesToJournal } from "../../telemetry/log.ts";
import { quote, quotePath } from "../../text.ts";
import { readAnswer } from "../answer.ts";
import { CommandError, type CommandLine, EXIT, usageError } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { type AskOptions, findHub } from "../daemon_socket.ts";
import { fullTimeText } from "../moments.ts";
import { largestUnit } from "../phrases.ts";
import { printTable } from "../table.ts";
import { hintForError } from "../words.ts";
import { VERSION } from "./version.ts";

/** Serves until it is told to stop. */
export async function run(invocation: InvocationOf<"hub">): Promise<number> {
  const config = invocation.config();
  const database = await databaseOf(invocation);
  const { logLevel, logFormat } = config;
  const journal = writesToJournal((name) => Deno.env.get(name));
  const log = new Log({ level: logLevel, format: logFormat, journal, hintFor: hintForError });
  const { runHub } = await import("../../hub_daemon.ts");
  const channelKeyFile = invocation.flag("channel-key-file") ?? null;
  return await runHub(config, { database, channelKeyFile, log, version: VERSION });
}

async function databaseOf(invocation: InvocationOf<"hub">): Promise<string> {
  const [given, file] = [invocation.flag("database"), invocation.flag("database-file")];
  if (given !== undefined && file !== undefined) {
    throw usageError("Cannot use --database and --database-file at once", "");
  }
  const { hasPassword, readDatabaseUrl } = await import("../../hub/database_url.ts");
  if (file !== undefined) return await readDatabaseUrl(file);
  if (given !== undefined && hasPassword(given)) {
    throw usageError(
      "Cannot take a password from the command line: everybody on this machine can read it there",
      "put the URL into a file for --database-file, or into TINYFORGE_DATABASE",
    );
  }
  const database = given ?? Deno.env.get("TINYFORGE_DATABASE");
  if (database !== undefined && database !== "") return database;
  throw usageError(
    "Cannot start a hub: its database is not told",
    "say --database postgres://user@host/name or --database-file FILE, or set TINYFORGE_DATABASE",
  );
}

/** Prints what to type on the host. */
export async function enroll(invocation: InvocationOf<"hub enroll">): Promise<number> {
  const { out, operands: [name] } = invocation;
  const given = invocation.flag("url");
  // Before a token is made that nobody could use.
  const url = given === undefined ? "https://HUB" : await readableUrl(given);
  const { token, expiresAt } = await ask<{ token: string; expiresAt: string }>(
    invocation,
    "/api/hosts",
    { method: "POST", body: { name } },
  );
  const command = `tinyforge join ${url} ${token}`;
  if (invocation.on("json")) out.json({ name, token, expiresAt, command });
  else out.lines(command);
  out.notes(
    `To be typed on the host, as its daemon's user or root; works once, until ${
      fullTimeText(expiresAt)
    }.`,
    ...given === undefined
      ? ["Put where that host reaches this hub in place of https://HUB; --url URL does it here."]
      : [],
  );
  return EXIT.done;
}

/** As the host will read it. */
async function readableUrl(text: string): Promise<string> {
  const { hubUrl } = await import("../../hub/hub_client.ts");
  return hubUrl(text);
}

/** Prints the hosts. */
export async function list(invocation: InvocationOf<"hub list">): Promise<number> {
  const { out } = invocation;
  // A hub that was not started again since the program was replaced names nobody who is invited.
  const { items, invited = [] } = await ask<{ items: HostView[]; invited?: Invitation[] }>(
    invocation,
    "/api/hosts",
  );
  if (invocation.on("json")) {
    out.json({ items, invited });
    return EXIT.done;
  }
  const cells = items.map(({ name, state, ageSeconds, rows, version, machines }) => [
    name,
    state === "known" ? state : { text: state, style: "warn" as const },
    ageSeconds === null ? "never" : `${largestUnit(ageSeconds)} ago`,
    String(rows),
    version ?? "",
    state === "contested" ? `two processes speak for it (${machines.join(", ")})` : "",
  ]);
  const awaited = invited.map(({ name, expiresAt, expired }) => [
    ...[name, { text: "not joined", style: "faint" as const }, "never", "", ""],
    expired
      ? `its token is over: tinyforge hub enroll ${name}`
      : `its token is valid until ${fullTimeText(expiresAt)}`,
  ]);
  const header = ["HOST", "STATE", "HEARD", "ROWS", "VERSION", "NOTE"];
  printTable(out, [...cells, ...awaited], {
    header,
    // What is to be typed stands in the note.
    fit: { keep: ["HOST", "STATE", "NOTE"], drop: ["VERSION", "ROWS", "HEARD"] },
  });
  if (cells.length + awaited.length === 0) {
    out.notes("There are no hosts: `tinyforge hub enroll NAME` lets one in.");
  }
  return EXIT.done;
}

/** Forgets one. */
export async function remove(invocation: InvocationOf<"hub rm">): Promise<number> {
  const { out, operands: [name] } = invocation;
  await ask(invocation, `/api/hosts/${encodeURIComponent(name)}`, { method: "DELETE" });
  if (invocation.on("json")) out.json({ name });
  else out.notes(`Host ${quote(name)} is forgotten with all its rows.`);
  return EXIT.done;
}

async function ask<T>(line: CommandLine, path: string, options: AskOptions = {}): Promise<T> {
  const { dataDir } = line.config();
  using hub = await findHub(dataDir);
  if (hub !== null) return readAnswer<T>(await hub.ask(path, options));
  throw new CommandError(
    `Cannot ask the hub: nobody listens on ${quotePath(join(dataDir, HUB_SOCKET))}`,
    {
      exitCode: EXIT.unreachable,
      hint: "start it with `tinyforge hub`, or point --data-dir at its directory",
    },
  );
}
