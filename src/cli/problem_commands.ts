/**
 * Commands about what is wrong: their part of the command table. Loads no command.
 *
 * @module
 */

import { PROBLEM_KINDS } from "../model/problem.ts";
import { WRITTEN_NUMBERS } from "../problem_setting_values.ts";
import type { Command } from "./command.ts";
import { HOST_FLAG, JSON_FLAG } from "./shared_flags.ts";

/** The numbers that can be set, aligned. */
const NUMBERS = WRITTEN_NUMBERS.map(({ name, default: usual, tells }) =>
  `  ${name.padEnd(23)}${usual.padEnd(5)}${tells}`
).join("\n");

/** In the order of the usage text. */
export const PROBLEM_COMMANDS = [
  {
    name: "problems",
    summary: "what is wrong, and what to do about it",
    operands: [],
    flags: [
      { name: "all", description: "also what may pass by itself, and what is over" },
      { name: "each", description: "each by itself, also where many are alike" },
      HOST_FLAG,
      JSON_FLAG,
    ],
    details: `Four or more of one workload with which the same is wrong are told as one.

The daemon judges by these numbers. Its --problem-settings, or
TINYFORGE_PROBLEM_SETTINGS, sets others, as in unhealthy-opens=3m,settle=5m:

${NUMBERS}`,
  },
  {
    name: "check",
    summary: "whether all is as it should be: exit code 0 or 3",
    operands: [{ name: "WORKLOAD", optional: true, many: true, offers: "workloads" }],
    flags: [
      { name: "wait", placeholder: "SPAN", description: "wait so long for it (default: 60s)" },
      {
        name: "stable",
        placeholder: "SPAN",
        description: "it must have been so for this long (default: 10s)",
      },
      { name: "row", placeholder: "ROWS", description: "these rows alone, separated by commas" },
      { name: "image", placeholder: "REF", description: "the image that must run" },
      HOST_FLAG,
      JSON_FLAG,
    ],
    details: `Asks the daemon for a pass first. Exit code 3: something is not as expected at the end
of the wait; 4: no Engine or daemon answers; 2: no such workload or row.`,
    examples: ["tinyforge check site/blog --wait 2m --image example/blog:2"],
  },
  {
    name: "doctor",
    summary: "why it does not work, or will not some day, and what to do",
    operands: [],
    flags: [
      { name: "strict", description: "exit code 3 for warnings, too" },
      JSON_FLAG,
    ],
    details: `Looks at the Engine, the daemon, its data, this host and what the index shows; changes
nothing. Without a daemon it looks at the rest. Exit code 3: something does not work.`,
    examples: ["tinyforge doctor", "tinyforge doctor --strict --json"],
  },
  {
    name: "silence",
    summary: "keep a workload, a row or everything quiet for a while",
    operands: [{ name: "WORKLOAD|ROW", optional: true, offers: "workloads" }],
    flags: [
      { name: "all", description: "everything: of every workload, of this host and its channels" },
      {
        name: "host",
        placeholder: "NAME",
        description: "at a hub: all of this host, or its workload of that name",
        offers: "hosts",
      },
      {
        name: "kind",
        placeholder: "KINDS",
        description: "only these kinds of problems, separated by commas",
        list: true,
        values: PROBLEM_KINDS,
      },
      { name: "for", placeholder: "SPAN", description: "how long, or how long each time" },
      {
        name: "until",
        placeholder: "TIME",
        description: 'its end: 07:00 (the next time it is), "2030-01-31 06:00"',
      },
      { name: "cron", placeholder: "EXPR", description: 'it comes again, as "0 3 * * SUN"' },
      {
        name: "time-zone",
        placeholder: "ZONE",
        description: "the zone of --cron, as Europe/Berlin (default: UTC)",
      },
      { name: "reason", placeholder: "TEXT", description: "why" },
      JSON_FLAG,
    ],
    details:
      `Problems still show, marked; they notify nobody. A hub's silences are its own: they are about
what it tells, whatever hosts tell themselves.`,
    examples: [
      "tinyforge silence blog --for 2h --reason 'moving house'",
      "tinyforge silence shop --kind unhealthy,flapping --for 1d",
      "tinyforge silence --all --cron '0 3 * * SUN' --for 1h --time-zone Europe/Berlin",
      "tinyforge silence --all --kind host-unknown --for 1h --data-dir /var/lib/tinyforge-hub",
    ],
  },
  {
    name: "silence list",
    summary: "silences that are not over",
    operands: [],
    flags: [JSON_FLAG],
  },
  {
    name: "silence rm",
    summary: "end a silence",
    operands: [{ name: "ID", offers: "silences" }],
    flags: [JSON_FLAG],
  },
] as const satisfies readonly Command[];
