/**
 * The part of the command table that is about who may ask, and who did. Loads no command.
 *
 * @module
 */

import { ROLES } from "../model/role.ts";
import type { Command } from "./command.ts";
import { JSON_FLAG } from "./shared_flags.ts";

const TOKEN = { name: "NAME" } as const;

/** In the order of the usage text. */
export const ACCESS_COMMANDS = [
  {
    name: "dashboard",
    summary: "print a link that logs a browser in",
    operands: [],
    flags: [
      { name: "open", description: "open it in this desktop's browser too" },
      JSON_FLAG,
    ],
    details: "The link works once and for a minute; the browser stays logged in for 30 days.",
  },
  {
    name: "token add",
    summary: "make a token for the HTTP API and print it, this once",
    operands: [TOKEN],
    flags: [
      {
        name: "role",
        placeholder: "ROLE",
        description: "what it opens",
        required: true,
        values: ROLES,
      },
      {
        name: "file",
        placeholder: "FILE",
        description: "write it to a new file that only you can read, and print nothing",
        path: "file",
      },
      {
        name: "expires",
        placeholder: "SPAN",
        description: "when it ends, as 90d (default: never)",
      },
      JSON_FLAG,
    ],
    details: `metrics: /metrics alone; read: all but secrets; deploy: also rows, webhook secrets and
passes; admin: everything. The file \`token\` of the data directory stays an admin's.`,
    examples: [
      "tinyforge token add prometheus --role metrics --file /etc/prometheus/tinyforge.token",
      "tinyforge token add ci --role deploy --expires 90d",
    ],
  },
  {
    name: "token renew",
    summary: "have a token open things until another moment",
    operands: [TOKEN],
    flags: [
      {
        name: "expires",
        placeholder: "SPAN",
        description: "when it ends, from now on, as 90d; or never",
        required: true,
      },
      JSON_FLAG,
    ],
    details:
      `The token stays what it is. One that was removed or is over stays so: make another. Sessions
that were opened with it end no later than it does.`,
    examples: ["tinyforge token renew ci --expires 90d"],
  },
  {
    name: "token list",
    summary: "tokens, what they open and until when",
    operands: [],
    flags: [JSON_FLAG],
  },
  {
    name: "token rm",
    summary: "remove a token; sessions that were opened with it end",
    operands: [TOKEN],
    flags: [JSON_FLAG],
  },
  {
    name: "session list",
    summary: "browsers that are logged in",
    operands: [],
    flags: [JSON_FLAG],
  },
  {
    name: "session rm",
    summary: "log a browser out",
    operands: [{ name: "ID", optional: true }],
    flags: [
      { name: "all", description: "every browser that is logged in" },
      JSON_FLAG,
    ],
    details: "ID as `tinyforge session list` shows it; --all logs every browser out.",
  },
  {
    name: "audit",
    summary: "who changed what, from where",
    operands: [],
    flags: [
      { name: "follow", description: "go on with what comes, until interrupted" },
      JSON_FLAG,
    ],
    details: "The last hundred changes; --follow with --json prints one document on each line.",
  },
] as const satisfies readonly Command[];
