/**
 * Commands that take in what runs and say what should: their part of the command table. Loads no
 * command.
 *
 * @module
 */

import type { Command } from "./command.ts";
import { EXPECT_FLAGS, JSON_FLAG, NAME_DETAILS, WORKLOAD } from "./shared_flags.ts";

/** In the order of the usage text. */
export const ADOPT_COMMANDS = [
  {
    name: "discover",
    summary: "what runs unmanaged, and how to take it in",
    operands: [],
    flags: [JSON_FLAG],
    details: "Asks the Engine; needs no daemon and no index, and writes nothing.",
  },
  {
    name: "adopt",
    summary: "take in what runs: register it and expect it from now on",
    operands: [{ name: "NAME", optional: true, many: true }],
    flags: [
      { name: "all", description: "everything that `tinyforge discover` shows" },
      { name: "dry-run", description: "say what would be done, and do nothing" },
      { name: "as", placeholder: "NEW-NAME", description: "the name to register it under" },
      {
        name: "compose",
        placeholder: "FILES",
        description: "its Compose files, separated by commas; -: JSON on stdin",
      },
      JSON_FLAG,
    ],
    details:
      `NAME is one that \`tinyforge discover\` shows. No container is touched. Compose files are
read where this user may; a stack whose files changed is taken in again.`,
    examples: [
      "tinyforge adopt --all --dry-run",
      "docker compose config --format json | tinyforge adopt shop --compose -",
    ],
  },
  {
    name: "accept",
    summary: "take what runs now for what should run",
    operands: [{ ...WORKLOAD, optional: true }],
    flags: [{ name: "all", description: "of every workload" }, JSON_FLAG],
    details: "After a scale-down, a removed service, a move: missing rows are retired.",
  },
  {
    name: "expect",
    summary: "show or set what should run of a workload",
    operands: [WORKLOAD, { name: "ROLE", optional: true, mayBeEmpty: true }],
    flags: [
      ...EXPECT_FLAGS,
      JSON_FLAG,
    ],
    details: NAME_DETAILS,
    examples: ["tinyforge expect shop worker --replicas 3"],
  },
] as const satisfies readonly Command[];
