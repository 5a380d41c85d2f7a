/**
 * `tinyforge help [COMMAND]`: prints usage texts. Needs no configuration.
 *
 * @module
 */

import { usageError } from "../command.ts";
import { quote } from "../../text.ts";
import { type InvocationOf, TOLD_COMMANDS } from "../commands.ts";
import { nearest } from "../nearest.ts";
import { commandUsage, usage } from "../usage.ts";

/** Prints the usage text, or that of a command, or those of a group such as `container`. */
export function run({ operands, out }: InvocationOf<"help">): Promise<number> {
  const name = operands.join(" ");
  const texts = name === "" ? [usage()] : TOLD_COMMANDS
    .filter((command) => command.name === name || command.name.startsWith(`${name} `))
    .map(commandUsage);
  if (texts.length === 0) {
    const meant = nearest(name, TOLD_COMMANDS.map((command) => command.name));
    throw usageError(
      `Cannot explain ${quote(name)}: no such command`,
      meant === null ? undefined : `did you mean "${meant}"?`,
    );
  }
  out.raw(texts.join("\n"));
  return Promise.resolve(0);
}
