/**
 * `tinyforge dashboard`: a link that logs a browser in. What is in it is for whoever asked for it
 * alone, so that it stands on no other program's command line.
 *
 * @module
 */

import { join } from "@std/path";
import { isLoopback } from "../../loopback.ts";
import type { LoginCode } from "../../server/api/sessions.ts";
import { openOnDesktop } from "../../system/desktop.ts";
import { withApi } from "../client.ts";
import { CommandError, EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";

/** Prints the link. */
export async function run(invocation: InvocationOf<"dashboard">): Promise<number> {
  const { out } = invocation;
  const { url, expiresAt } = await withApi(
    invocation.config(),
    (api) => api.request<LoginCode>("POST", "/api/session/codes"),
    { action: "make a link to the dashboard" },
  ).catch((error) => {
    if (!(error instanceof CommandError)) throw error;
    throw UNSERVED.has(error.code)
      ? unserved(error)
      : error.code === "conflict"
      ? deaf(error)
      : error;
  });
  if (invocation.on("json")) out.json({ url, expiresAt });
  else out.lines(url);
  out.notes("It works once, and for a minute.");
  const { hostname, port } = new URL(url);
  if (isLoopback(hostname)) {
    out.notes(
      `hint: for a browser on another machine, forward the port first: ssh -L ` +
        `${port || 80}:${hostname}:${port || 80} HOST`,
    );
  }
  if (invocation.on("open")) await open(url);
  return EXIT.done;
}

/** What is said where no daemon is: by an index that none keeps, or by none at all. */
const UNSERVED: ReadonlySet<string> = new Set(["no-daemon", "not-found"]);

function unserved(cause: CommandError): CommandError {
  return new CommandError("Cannot make a link to the dashboard: no daemon runs that serves it", {
    code: "no-daemon",
    exitCode: EXIT.unreachable,
    hint: "start it with `tinyforge reconcile`, or as a service by the unit that " +
      "`tinyforge systemd` prints; one with another data directory is named with --data-dir",
    cause,
  });
}

/** A daemon that serves no browser; the API names no flags. */
function deaf(cause: CommandError): CommandError {
  const { message, code, exitCode } = cause;
  const hint = "start the daemon with an address for browsers, as --listen 127.0.0.1:7475";
  return new CommandError(message, { code, exitCode, hint, cause });
}

/** Every user can read command lines: the browser is given a file that leads there. */
async function open(url: string): Promise<void> {
  const folder = Deno.env.get("XDG_RUNTIME_DIR") || await Deno.makeTempDir();
  const path = join(folder, "tinyforge-dashboard.html");
  await Deno.remove(path).catch(() => {});
  const file = await Deno.open(path, { createNew: true, write: true, mode: 0o600 });
  // Of a URL that is well-formed nothing would be markup but these.
  const target = url.replace(/[&"<>]/g, (character) => `&#${character.charCodeAt(0)};`);
  using _ = file;
  const page = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" ` +
    `content="0;url=${target}"><title>Tinyforge</title>\n`;
  await file.write(new TextEncoder().encode(page));
  if (openOnDesktop(path)) return;
  throw new CommandError("Cannot open a browser: there is no xdg-open here", {
    hint: "open the link yourself",
  });
}
