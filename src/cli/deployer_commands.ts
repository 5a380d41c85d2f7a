/**
 * What a deployer does with rows and secrets: its part of the command table. Loads no command.
 *
 * @module
 */

import type { Command } from "./command.ts";
import {
  DEPLOYER_FLAGS,
  JSON_FLAG,
  NAME_DETAILS,
  ROLE_FLAG,
  ROW,
  WORKLOAD,
} from "./shared_flags.ts";

/** In the order of the usage text. */
export const DEPLOYER_COMMANDS = [
  {
    name: "container add",
    summary: "create a row, as a deployer does",
    operands: [{ name: "WORKLOAD", offers: "workloads" }],
    flags: [
      { name: "id", placeholder: "ROW", description: "the row's id (default: a new one)" },
      ROLE_FLAG,
      { name: "replica", placeholder: "N", description: "which replica it is (default: 1)" },
      ...DEPLOYER_FLAGS,
      JSON_FLAG,
    ],
    details: `WORKLOAD is a workload's name or id, or KIND/NAME.
The row is "pending" until a listing confirms its container: the one that --container names, or one
that is run with the labels of \`tinyforge labels WORKLOAD --row ROW\`.`,
    examples: [
      "tinyforge container add api --stage production --subdomain api --container ID",
      'tinyforge container add api --id api-1 --meta \'{"owner":"ops"}\'',
    ],
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
        values: [
          "container",
          "stage",
          "image-tag",
          "subdomain",
          "proxy-route",
          "npm-proxy-id",
          "meta",
        ],
      },
      JSON_FLAG,
    ],
    examples: ["tinyforge container set api-1 --subdomain www --clear proxy-route,image-tag"],
  },
  {
    name: "container rm",
    summary: "remove a row; the container is left alone",
    operands: [ROW],
    flags: [JSON_FLAG],
  },
  {
    name: "secret show",
    summary: "print a workload's webhook secret",
    operands: [WORKLOAD],
    flags: [JSON_FLAG],
    details: NAME_DETAILS,
  },
  {
    name: "secret rotate",
    summary: "replace a workload's webhook secret and print the new one",
    operands: [WORKLOAD],
    flags: [JSON_FLAG],
    details: NAME_DETAILS,
  },
] as const satisfies readonly Command[];
