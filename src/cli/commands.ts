/**
 * The command table: dispatch, usage texts, help and completions all read it. Loads no command.
 *
 * @module
 */

import { WORKLOAD_KINDS } from "../model/workload.ts";
import { ACCESS_COMMANDS } from "./access_commands.ts";
import { ADOPT_COMMANDS } from "./adopt_commands.ts";
import { BACKUP_COMMANDS } from "./backup_commands.ts";
import type { Command, Invocation } from "./command.ts";
import {
  ENTRY,
  ENTRY_DETAILS,
  ENTRY_FLAGS,
  FORCE_FLAG,
  HOST_FLAG,
  JSON_FLAG,
  KIND,
  NAME_DETAILS,
  NEW,
  ROLE_FLAG,
  ROW,
  WORKLOAD,
} from "./shared_flags.ts";
import { DEPLOYER_COMMANDS } from "./deployer_commands.ts";
import { PAST_COMMANDS, PS_EXAMPLES, TIME_DETAILS } from "./past_commands.ts";
import { PROBLEM_COMMANDS } from "./problem_commands.ts";
import { CHANNEL_KEY_FILE, DATABASE_FILE, HUB_COMMANDS } from "./hub_commands.ts";
import { NOTIFY_COMMANDS } from "./notify_commands.ts";

/** The table, with the types that it tells. */
export const TABLE = [
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
  },
  {
    name: "status",
    summary: "who holds the lock, last pass, Engine, events, counts",
    operands: [],
    flags: [JSON_FLAG],
  },
  {
    name: "ps",
    summary: "the index as a table",
    operands: [],
    flags: [
      HOST_FLAG,
      { name: "kind", placeholder: "KIND", description: "only this kind", values: WORKLOAD_KINDS },
      {
        name: "state",
        placeholder: "STATE",
        description: "only this state: running, stopped, missing, pending, …",
        offers: "states",
      },
      {
        name: "workload",
        placeholder: "NAME",
        description: "only this workload's rows",
        offers: "workloads",
      },
      { name: "fresh", description: "have the daemon list the Engine's containers first" },
      { name: "watch", description: "draw it again at each change, until interrupted" },
      { name: "at", placeholder: "TIME", description: "as it was then" },
      JSON_FLAG,
    ],
    details: TIME_DETAILS,
    examples: PS_EXAMPLES,
  },
  {
    name: "explain",
    summary: "what happened to a row, or why a container has none",
    operands: [ROW],
    flags: [HOST_FLAG, JSON_FLAG],
    details: `ROW is a row's id; a container's name, the beginning of its id (8 characters or
more) or a workload's name also do where they mean one row. Of a container that has none
it says which label decided, and what to do.`,
  },
  ...PAST_COMMANDS,
  ...PROBLEM_COMMANDS,
  ...ADOPT_COMMANDS,
  {
    name: "list",
    summary: "what should exist, and what serves it",
    operands: [{
      name: "WHAT",
      optional: true,
      values: ["projects", "stacks", "sites", "workloads", "stages", "previews"],
    }, { name: "PROJECT", optional: true, offers: "workloads" }],
    flags: [HOST_FLAG, JSON_FLAG],
    details: `Without WHAT: workloads. Each with its running, stopped and missing containers,
"none" where nothing serves it. Previews of one PROJECT, or of all, with their URLs.`,
    examples: ["tinyforge list stages", "tinyforge list previews shop"],
  },
  {
    name: "add",
    summary: "register a project, stack, site or stage",
    operands: [KIND, NEW],
    flags: [
      ...ENTRY_FLAGS,
      {
        name: "id",
        placeholder: "ID",
        description: "the id that containers of a removed one still carry",
      },
      JSON_FLAG,
    ],
    details: ENTRY_DETAILS,
    examples: [
      "tinyforge add site blog --domain blog.example.org",
      "tinyforge add stack shop --compose-project shop",
      "tinyforge add stage api/production --max-instances 2",
      "tinyforge add stage api/pr-12 --preview --branch new-search",
    ],
  },
  {
    name: "rename",
    summary: "give one another name; its containers stay tied to it",
    operands: [KIND, ENTRY, { name: "NEW-NAME" }],
    flags: [JSON_FLAG],
    details: ENTRY_DETAILS,
  },
  {
    name: "set",
    summary: "change a site's domain or container, a stack or a stage",
    operands: [KIND, ENTRY],
    flags: [
      ...ENTRY_FLAGS,
      {
        name: "clear",
        placeholder: "FIELDS",
        description: "what to forget, separated by commas",
        list: true,
        values: ["domain", "container-name", "branch", "preview"],
      },
      JSON_FLAG,
    ],
    details: ENTRY_DETAILS,
  },
  {
    name: "rm",
    summary: "forget one; containers are left alone",
    operands: [KIND, { ...ENTRY, many: true }],
    flags: [FORCE_FLAG, JSON_FLAG],
    details: ENTRY_DETAILS,
  },
  {
    name: "labels",
    summary: "the --label flags that tie a container to a workload",
    operands: [WORKLOAD],
    flags: [
      ROLE_FLAG,
      {
        name: "row",
        placeholder: "ROW",
        description: "the row that the container is to have, made before it",
        offers: "rows",
      },
      JSON_FLAG,
    ],
    details: `${NAME_DETAILS}
For a stack the name of its Compose project, which does the same, is told on stderr.`,
    examples: [
      "docker run -d $(tinyforge labels blog) nginx",
      "docker run -d $(tinyforge labels api --row api-1) api:2",
    ],
  },
  {
    name: "routes",
    summary: "rows with a subdomain or a proxy route",
    operands: [],
    flags: [JSON_FLAG],
  },
  ...DEPLOYER_COMMANDS,
  ...NOTIFY_COMMANDS,
  ...ACCESS_COMMANDS,
  {
    name: "engine accept",
    summary: "take the Engine that answers now for the right one",
    operands: [],
    flags: [JSON_FLAG],
    details:
      `When another Engine answers than before, rows of what it never had are not marked missing
until this is said, because its empty listing would make all of them missing.`,
  },
  ...BACKUP_COMMANDS,
  ...HUB_COMMANDS,
  {
    name: "healthcheck",
    summary: "whether the daemon is ready: exit code 0 or 1",
    operands: [],
    flags: [JSON_FLAG],
  },
  {
    name: "systemd",
    summary: "print a systemd unit with the right paths",
    operands: [],
    flags: [
      {
        name: "socket",
        description: "a socket unit for the TCP port, so that nobody else can listen there",
      },
      { name: "hub", description: "a unit for a hub, whose data is in /var/lib/tinyforge-hub" },
      DATABASE_FILE,
      CHANNEL_KEY_FILE,
    ],
    examples: [
      "tinyforge systemd > /etc/systemd/system/tinyforge.service",
      "tinyforge systemd --hub --listen 0.0.0.0:7480 --tls-cert /etc/tinyforge-hub/cert.pem --tls-key /etc/tinyforge-hub/key.pem > /etc/systemd/system/tinyforge-hub.service",
      "tinyforge systemd --socket > /etc/systemd/system/tinyforge.socket",
    ],
  },
  {
    name: "completions",
    summary: "print completions for a shell",
    operands: [{ name: "SHELL", values: ["bash", "zsh", "fish"] }],
    flags: [],
    examples: ["source <(tinyforge completions bash)"],
  },
  {
    name: "version",
    summary: "versions of tinyforge, Deno and SQLite",
    operands: [],
    flags: [JSON_FLAG],
  },
  {
    name: "help",
    summary: "this text, or a command's own",
    operands: [{ name: "COMMAND", optional: true }, { name: "SUBCOMMAND", optional: true }],
    flags: [],
  },
  {
    name: "complete",
    summary: "words of the index, for the scripts of completions",
    operands: [
      {
        name: "WHAT",
        values: [
          "workloads",
          "rows",
          "states",
          "stages",
          "channels",
          "silences",
          "entries",
          "hosts",
        ],
      },
      { name: "KIND", optional: true },
    ],
    flags: [],
    hidden: true,
  },
] as const satisfies readonly Command[];

/** Every command, in the order of the usage text. */
export const COMMANDS: readonly Command[] = TABLE;

/** Those that people are told of. */
export const TOLD_COMMANDS: readonly Command[] = COMMANDS.filter(({ hidden }) => !hidden);

/** What a command of the table is called. */
export type CommandName = (typeof TABLE)[number]["name"];

/** A command line of the command with this name: no other flags can be asked for. */
export type InvocationOf<Name extends CommandName> = Invocation<
  Extract<(typeof TABLE)[number], { readonly name: Name }>
>;
