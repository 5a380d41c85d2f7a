/**
 * `tinyforge systemd`: a unit for this binary and these flags.
 *
 * @module
 */

import { CONFIG_FLAGS } from "../flags.ts";
import { unitText } from "../systemd.ts";
import { EXIT, type Invocation, quote, usageError } from "./command.ts";

/** Where the unit finds the binary when this program is not one. */
const INSTALLED = "/usr/local/bin/tinyforge";

/** Prints the unit; flags that were given go into its command line. */
export function run(invocation: Invocation): Promise<number> {
  const { out } = invocation;
  // Read for its checks: a unit that can't start is no use.
  invocation.config();
  const binary = Deno.build.standalone ? Deno.execPath() : INSTALLED;
  const dataDir = invocation.flag("data-dir") ?? Deno.env.get("TINYFORGE_DATA_DIR");
  const args = CONFIG_FLAGS.filter(({ name }) => name !== "data-dir").flatMap(({ name }) => {
    const value = invocation.flag(name);
    return value === undefined ? [] : [`--${name}=${value}`];
  });
  out.raw(textFor({ binary, args, ...(dataDir && { dataDir: dataDir.replace(/\/+$/, "") }) }));
  if (!Deno.build.standalone) {
    out.notes(`This is not the compiled program: put it at ${INSTALLED} (deno task compile).`);
  } else if (/^\/(home|root|run\/user)\//.test(binary)) {
    out.notes(`The service can't see ${quote(binary)}: move it to ${INSTALLED} and print again.`);
  }
  return Promise.resolve(EXIT.done);
}

function textFor(options: Parameters<typeof unitText>[0]): string {
  try {
    return unitText(options);
  } catch (error) {
    if (error instanceof TypeError) throw usageError(error.message, "");
    throw error;
  }
}
