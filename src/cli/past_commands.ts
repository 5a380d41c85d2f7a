/**
 * Commands about what was: their part of the command table. Loads no command.
 *
 * @module
 */

import type { Command, Flag } from "./command.ts";
import { HOST_FLAG, JSON_FLAG } from "./shared_flags.ts";

/** What may be written for a moment. */
export const TIME_DETAILS = `A time is written 8h (ago), 02:00 (the last time it was), 2026-11-26 or
"2026-11-26 02:00", in this machine's time zone; or with its own, as in
2026-11-26T02:00:00Z. Times are shown in this machine's zone, JSON has them in UTC.`;

/** Of the index, as it is and as it was. */
export const PS_EXAMPLES = [
  "tinyforge ps --kind site",
  "tinyforge ps --workload site/blog --watch",
  'tinyforge ps --at "2026-11-26 02:00"',
] as const satisfies Command["examples"];

const SINCE = {
  name: "since",
  placeholder: "TIME",
  description: "only what happened since then",
} as const satisfies Flag;

/** In the order of the usage text. */
export const PAST_COMMANDS = [
  {
    name: "history",
    summary: "what happened, newest last",
    operands: [{ name: "WORKLOAD|ROW", optional: true, offers: "workloads" }],
    flags: [
      HOST_FLAG,
      SINCE,
      { name: "until", placeholder: "TIME", description: "only what happened before" },
      { name: "follow", description: "go on with what happens, until interrupted" },
      JSON_FLAG,
    ],
    details:
      `Changes of rows, ends of containers, problems, who changed what, restores, and when nobody
watched; at a hub changes, problems and watching, of all hosts. Without --since the last
100. With --follow and --json one document on each line.
${TIME_DETAILS}`,
    examples: ["tinyforge history --since 8h", "tinyforge history site/blog --follow"],
  },
  {
    name: "diff",
    summary: "what differs between then and now",
    operands: [],
    flags: [
      HOST_FLAG,
      { ...SINCE, description: "then (default: 24h, a day ago)" },
      JSON_FLAG,
    ],
    details: TIME_DETAILS,
    examples: ["tinyforge diff --since 8h", 'tinyforge diff --since "2026-11-26 02:00"'],
  },
  {
    name: "availability",
    summary: "how much of the time workloads ran",
    operands: [{ name: "WORKLOAD|ROW", optional: true, offers: "workloads" }],
    flags: [
      HOST_FLAG,
      { name: "days", placeholder: "N", description: "of the last N days (default: 30)" },
      JSON_FLAG,
    ],
    details: `A workload runs while any of its rows does, "partly" while another one does not; with
WORKLOAD each row is told as well. Time in which nobody watched is neither running nor
down, and while there was no row nothing counts. A hub goes by what each host watched, as
far as it was told.`,
    examples: ["tinyforge availability", "tinyforge availability site/blog --days 7"],
  },
] as const satisfies readonly Command[];
