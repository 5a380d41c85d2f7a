/**
 * `tinyforge completions SHELL`: completion scripts, made from the command table. For the words of
 * the table they run nothing; for names, rows and states they run `tinyforge complete`, whose words
 * come from whoever may start a container, so no shell may expand them.
 *
 * @module
 */

import { EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { bash } from "../completions/bash.ts";
import { fish } from "../completions/fish.ts";
import { zsh } from "../completions/zsh.ts";

/** Prints the script for a shell. */
export function run({ operands, out }: InvocationOf<"completions">): Promise<number> {
  out.raw({ bash, zsh, fish }[operands[0]]());
  return Promise.resolve(EXIT.done);
}
