/**
 * The command table: dispatch, usage texts, help and completions all read it. Loads no command.
 *
 * @module
 */

import { WORKLOAD_KINDS } from "../model/workload.ts";
import type { Command, Flag, Operand } from "./command.ts";

/** Flags of every command besides those of the configuration. */
export const COMMON_FLAGS: readonly Flag[] = [
  { name: "help", description: "explain the command" },
  { name: "no-color", description: "no colours, whatever NO_COLOR says" },
];

const JSON_FLAG: Flag = { name: "json", description: "print one JSON document" };
const FORCE_FLAG: Flag = { name: "force", description: "forget what refers to it, too" };
const ROLE_FLAG: Flag = {
  name: "role",
  placeholder: "ROLE",
  description: "role of the container in its workload",
};
const ENTRY_FLAGS: readonly Flag[] = [
  { name: "domain", placeholder: "NAME", description: "a site's domain" },
  {
    name: "compose-project",
    placeholder: "NAME",
    description: "a stack's Compose project (default: the prefix and its name)",
  },
  { name: "max-instances", placeholder: "N", description: "how many instances a stage may have" },
];
const DEPLOYER_FLAGS: readonly Flag[] = [
  { name: "container", placeholder: "ID", description: "the full id of the container to bind" },
  { name: "image", placeholder: "REF", description: "that container's image" },
  { name: "stage", placeholder: "NAME", description: "stage of the row's project, name or id" },
  { name: "image-tag", placeholder: "TAG", description: "tag that was deployed" },
  { name: "subdomain", placeholder: "NAME", description: "subdomain that leads to it" },
  { name: "proxy-route", placeholder: "ID", description: "id of its proxy route" },
  { name: "npm-proxy-id", placeholder: "N", description: "its id in Nginx Proxy Manager" },
];

const KIND: Operand = { name: "KIND", values: [...WORKLOAD_KINDS, "stage"] };
const NAME: Operand = { name: "NAME" };
const ROW: Operand = { name: "ROW" };

const NAME_DETAILS = `NAME is a workload's name or id; where a project, a stack and a site share one
name, write KIND/NAME, as in site/blog.`;
const ENTRY_DETAILS = "A stage is written PROJECT/NAME, as in shop/production.";

/** Every command, in the order of the usage text. */
export const COMMANDS: readonly Command[] = [
  {
    name: "reconcile",
    summary: "keep the index true: the daemon",
    operands: [],
    flags: [
      { name: "once", description: "one pass, a summary, exit; asks a running daemon for it" },
      JSON_FLAG,
    ],
    details: "--json prints the report of --once; the daemon itself prints no data.",
    examples: ["tinyforge reconcile", "tinyforge reconcile --once --json"],
    load: async () => (await import("./commands/reconcile.ts")).run,
  },
  {
    name: "status",
    summary: "who holds the lock, last pass, Engine, events, counts",
    operands: [],
    flags: [JSON_FLAG],
    load: async () => (await import("./commands/status.ts")).run,
  },
  {
    name: "ps",
    summary: "the index as a table",
    operands: [],
    flags: [
      { name: "kind", placeholder: "KIND", description: "only this kind", values: WORKLOAD_KINDS },
      {
        name: "state",
        placeholder: "STATE",
        description: "only this state: running, stopped, missing, pending, …",
      },
      { name: "workload", placeholder: "NAME", description: "only this workload's rows" },
      { name: "watch", description: "draw it again at each change, until interrupted" },
      JSON_FLAG,
    ],
    examples: ["tinyforge ps --kind site", "tinyforge ps --workload site/blog --watch"],
    load: async () => (await import("./commands/ps.ts")).run,
  },
  {
    name: "explain",
    summary: "what happened to a row, and what set its present state",
    operands: [ROW],
    flags: [JSON_FLAG],
    details: `ROW is a row's id; a container's name, the beginning of its id (8 characters or
more) or a workload's name also do where they mean one row.`,
    load: async () => (await import("./commands/explain.ts")).run,
  },
  {
    name: "list",
    summary: "what should exist, and what serves it",
    operands: [{
      name: "WHAT",
      optional: true,
      values: ["projects", "stacks", "sites", "workloads", "stages"],
    }],
    flags: [JSON_FLAG],
    details: `Without WHAT: workloads. Each with its running, stopped and missing containers,
"none" where nothing serves it.`,
    load: async () => (await import("./commands/list.ts")).run,
  },
  {
    name: "add",
    summary: "register a project, stack, site or stage",
    operands: [KIND, NAME],
    flags: [...ENTRY_FLAGS, JSON_FLAG],
    details: ENTRY_DETAILS,
    examples: [
      "tinyforge add site blog --domain blog.example.org",
      "tinyforge add stack shop --compose-project shop",
      "tinyforge add stage api/production --max-instances 2",
    ],
    load: async () => (await import("./commands/entries.ts")).add,
  },
  {
    name: "rename",
    summary: "give one another name; its containers stay tied to it",
    operands: [KIND, NAME, { name: "NEW-NAME" }],
    flags: [JSON_FLAG],
    details: ENTRY_DETAILS,
    load: async () => (await import("./commands/entries.ts")).rename,
  },
  {
    name: "set",
    summary: "change a site's domain, a stack's Compose project, a stage's instances",
    operands: [KIND, NAME],
    flags: [
      ...ENTRY_FLAGS,
      { name: "clear", placeholder: "FIELD", description: "forget the domain", values: ["domain"] },
      JSON_FLAG,
    ],
    details: ENTRY_DETAILS,
    load: async () => (await import("./commands/entries.ts")).set,
  },
  {
    name: "rm",
    summary: "forget one; containers are left alone",
    operands: [KIND, NAME],
    flags: [FORCE_FLAG, JSON_FLAG],
    details: ENTRY_DETAILS,
    load: async () => (await import("./commands/entries.ts")).remove,
  },
  {
    name: "labels",
    summary: "the --label flags that tie a container to a workload",
    operands: [NAME],
    flags: [ROLE_FLAG, JSON_FLAG],
    details: `${NAME_DETAILS}
For a stack the name of its Compose project, which does the same, is told on stderr.`,
    examples: ["docker run -d $(tinyforge labels blog) nginx"],
    load: async () => (await import("./commands/labels.ts")).run,
  },
  {
    name: "routes",
    summary: "rows with a subdomain or a proxy route",
    operands: [],
    flags: [JSON_FLAG],
    load: async () => (await import("./commands/routes.ts")).run,
  },
  {
    name: "container add",
    summary: "create a row, as a deployer does",
    operands: [{ name: "WORKLOAD" }],
    flags: [
      { name: "id", placeholder: "ROW", description: "the row's id (default: a new one)" },
      ROLE_FLAG,
      { name: "replica", placeholder: "N", description: "which replica it is (default: 1)" },
      ...DEPLOYER_FLAGS,
      JSON_FLAG,
    ],
    details: `WORKLOAD is a workload's name or id, or KIND/NAME.
The row is "pending" until a listing confirms its container.`,
    examples: ["tinyforge container add api --stage production --subdomain api --container ID"],
    load: async () => (await import("./commands/container.ts")).add,
  },
  {
    name: "container set",
    summary: "change a row's deployer columns or its container",
    operands: [ROW],
    flags: [
      ...DEPLOYER_FLAGS,
      {
        name: "clear",
        placeholder: "FIELDS",
        description: "fields to empty, separated by commas",
        list: true,
        values: ["container", "stage", "image-tag", "subdomain", "proxy-route", "npm-proxy-id"],
      },
      JSON_FLAG,
    ],
    examples: ["tinyforge container set api-1 --subdomain www --clear proxy-route,image-tag"],
    load: async () => (await import("./commands/container.ts")).set,
  },
  {
    name: "container rm",
    summary: "remove a row; the container is left alone",
    operands: [ROW],
    flags: [JSON_FLAG],
    load: async () => (await import("./commands/container.ts")).remove,
  },
  {
    name: "secret show",
    summary: "print a workload's webhook secret",
    operands: [NAME],
    flags: [JSON_FLAG],
    details: NAME_DETAILS,
    load: async () => (await import("./commands/secret.ts")).show,
  },
  {
    name: "secret rotate",
    summary: "replace a workload's webhook secret and print the new one",
    operands: [NAME],
    flags: [JSON_FLAG],
    details: NAME_DETAILS,
    load: async () => (await import("./commands/secret.ts")).rotate,
  },
  {
    name: "engine accept",
    summary: "take the Engine that answers now for the right one",
    operands: [],
    flags: [JSON_FLAG],
    details: `When another Engine answers than before, rows are not marked missing until this is
said, because its empty listing would make all of them missing.`,
    load: async () => (await import("./commands/engine.ts")).accept,
  },
  {
    name: "healthcheck",
    summary: "whether the daemon is ready: exit code 0 or 1",
    operands: [],
    flags: [JSON_FLAG],
    load: async () => (await import("./commands/healthcheck.ts")).run,
  },
  {
    name: "systemd",
    summary: "print a systemd unit with the right paths",
    operands: [],
    flags: [{
      name: "socket",
      description: "a socket unit for the TCP port, so that nobody else can listen there",
    }],
    examples: [
      "tinyforge systemd > /etc/systemd/system/tinyforge.service",
      "tinyforge systemd --socket > /etc/systemd/system/tinyforge.socket",
    ],
    load: async () => (await import("./commands/systemd.ts")).run,
  },
  {
    name: "completions",
    summary: "print completions for a shell",
    operands: [{ name: "SHELL", values: ["bash", "zsh", "fish"] }],
    flags: [],
    examples: ["source <(tinyforge completions bash)"],
    load: async () => (await import("./commands/completions.ts")).run,
  },
  {
    name: "version",
    summary: "versions of tinyforge, Deno and SQLite",
    operands: [],
    flags: [JSON_FLAG],
    load: async () => (await import("./commands/version.ts")).run,
  },
  {
    name: "help",
    summary: "this text, or a command's own",
    operands: [{ name: "COMMAND", optional: true }, { name: "SUBCOMMAND", optional: true }],
    flags: [],
    load: async () => (await import("./commands/help.ts")).run,
  },
];
