/**
 * The part of the command table that is about telling people. Loads no command.
 *
 * @module
 */

import type { Command, Operand } from "./command.ts";
import { JSON_FLAG } from "./shared_flags.ts";

const CHANNEL = { name: "NAME", offers: "channels" } as const satisfies Operand;

/** `tinyforge notify …`. */
export const NOTIFY_COMMANDS = [
  {
    name: "notify add",
    summary: "tell people by a webhook, chat, push service or e-mail",
    operands: [{ name: "NAME" }, { name: "URL", optional: true }],
    flags: [
      {
        name: "secret-file",
        placeholder: "FILE",
        description: "a file with the key, password or token, or with the URL; - is stdin",
      },
      { name: "allow-loopback", description: "the receiver may be on this machine" },
      {
        name: "min-severity",
        placeholder: "SEVERITY",
        description: "the least grave to tell of (default: high)",
        values: ["low", "high"],
      },
      {
        name: "workload",
        placeholder: "NAMES",
        description: "only these workloads, separated by commas",
        offers: "workloads",
      },
      {
        name: "host",
        placeholder: "NAMES",
        description: "at a hub: only these hosts, separated by commas",
        offers: "hosts",
      },
      {
        name: "fallback",
        placeholder: "CHANNEL",
        description: "the channel that stands in for this one after 10 min of failure",
        offers: "channels",
      },
      {
        name: "remind-after",
        placeholder: "TIME",
        description:
          "tell again of what is still wrong after so long, at least 5m (default: never)",
      },
      JSON_FLAG,
    ],
    details: `URL as you have it: https://… (a webhook), ntfys://, gotifys://, discord://, slack://,
mmosts://, tgram://, matrixs://, mailtos://, smtps://, apprises://.`,
    examples: [
      "tinyforge notify add phone ntfys://ntfy.sh/my-topic",
      "tinyforge notify add ops https://example.org/hook --secret-file key",
    ],
  },
  {
    name: "notify test",
    summary: "send a test and wait for the answer: exit code 0 or 1",
    operands: [CHANNEL],
    flags: [JSON_FLAG],
  },
  {
    name: "notify list",
    summary: "where people are told, and whether that works",
    operands: [],
    flags: [JSON_FLAG],
  },
  {
    name: "notify rm",
    summary: "tell nobody there any more",
    operands: [CHANNEL],
    flags: [JSON_FLAG],
  },
  {
    name: "notify log",
    summary: "what was told, and what became of it",
    operands: [{ ...CHANNEL, optional: true }],
    flags: [JSON_FLAG],
  },
  {
    name: "notify retry",
    summary: "try now whatever waits or was given up",
    operands: [CHANNEL],
    flags: [JSON_FLAG],
  },
] as const satisfies readonly Command[];
