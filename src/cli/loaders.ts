/**
 * Which file runs a command. Each is loaded for its command alone, so that the others cost nothing.
 *
 * @module
 */

import type { CommandName, InvocationOf } from "./commands.ts";

/** Runs a command; resolves with the exit code. */
export type Run<Name extends CommandName> = (invocation: InvocationOf<Name>) => Promise<number>;

/** A command's name → what loads it. */
export const LOADERS: { readonly [Name in CommandName]: () => Promise<Run<Name>> } = {
  "reconcile": async () => (await import("./commands/reconcile.ts")).run,
  "status": async () => (await import("./commands/status.ts")).run,
  "ps": async () => (await import("./commands/ps.ts")).run,
  "explain": async () => (await import("./commands/explain.ts")).run,
  "history": async () => (await import("./commands/history.ts")).run,
  "diff": async () => (await import("./commands/diff.ts")).run,
  "availability": async () => (await import("./commands/availability.ts")).run,
  "problems": async () => (await import("./commands/problems.ts")).run,
  "check": async () => (await import("./commands/check.ts")).run,
  "doctor": async () => (await import("./commands/doctor.ts")).run,
  "silence": async () => (await import("./commands/silence.ts")).add,
  "silence list": async () => (await import("./commands/silence.ts")).list,
  "silence rm": async () => (await import("./commands/silence.ts")).remove,
  "discover": async () => (await import("./commands/discover.ts")).run,
  "adopt": async () => (await import("./commands/adopt.ts")).run,
  "accept": async () => (await import("./commands/expect.ts")).accept,
  "expect": async () => (await import("./commands/expect.ts")).expect,
  "list": async () => (await import("./commands/list.ts")).run,
  "add": async () => (await import("./commands/entries.ts")).add,
  "rename": async () => (await import("./commands/entries.ts")).rename,
  "set": async () => (await import("./commands/entries.ts")).set,
  "rm": async () => (await import("./commands/entries.ts")).remove,
  "labels": async () => (await import("./commands/labels.ts")).run,
  "routes": async () => (await import("./commands/routes.ts")).run,
  "container add": async () => (await import("./commands/container.ts")).add,
  "container set": async () => (await import("./commands/container.ts")).set,
  "container rm": async () => (await import("./commands/container.ts")).remove,
  "secret show": async () => (await import("./commands/secret.ts")).show,
  "secret rotate": async () => (await import("./commands/secret.ts")).rotate,
  "notify add": async () => (await import("./commands/notify.ts")).add,
  "notify test": async () => (await import("./commands/notify.ts")).test,
  "notify list": async () => (await import("./commands/notify.ts")).list,
  "notify rm": async () => (await import("./commands/notify.ts")).remove,
  "notify log": async () => (await import("./commands/notify.ts")).log,
  "notify retry": async () => (await import("./commands/notify.ts")).retry,
  "dashboard": async () => (await import("./commands/dashboard.ts")).run,
  "token add": async () => (await import("./commands/token.ts")).add,
  "token list": async () => (await import("./commands/token.ts")).list,
  "token rm": async () => (await import("./commands/token.ts")).remove,
  "session list": async () => (await import("./commands/session.ts")).list,
  "session rm": async () => (await import("./commands/session.ts")).remove,
  "audit": async () => (await import("./commands/audit.ts")).run,
  "engine accept": async () => (await import("./commands/engine.ts")).accept,
  "backup": async () => (await import("./commands/backup.ts")).run,
  "backup verify": async () => (await import("./commands/backup.ts")).verify,
  "restore": async () => (await import("./commands/restore.ts")).run,
  "hub": async () => (await import("./commands/hub.ts")).run,
  "hub enroll": async () => (await import("./commands/hub.ts")).enroll,
  "hub list": async () => (await import("./commands/hub.ts")).list,
  "hub status": async () => (await import("./commands/hub_status.ts")).run,
  "hub healthcheck": async () => (await import("./commands/hub_status.ts")).healthcheck,
  "hub rm": async () => (await import("./commands/hub.ts")).remove,
  "join": async () => (await import("./commands/join.ts")).join,
  "leave": async () => (await import("./commands/join.ts")).leave,
  "healthcheck": async () => (await import("./commands/healthcheck.ts")).run,
  "systemd": async () => (await import("./commands/systemd.ts")).run,
  "completions": async () => (await import("./commands/completions.ts")).run,
  "complete": async () => (await import("./commands/complete.ts")).run,
  "version": async () => (await import("./commands/version.ts")).run,
  "help": async () => (await import("./commands/help.ts")).run,
};
