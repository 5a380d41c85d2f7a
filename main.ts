/**
 * The program: hands its arguments to the command line and exits with its code. Nothing else.
 *
 * @module
 */

import { cli } from "./src/cli/cli.ts";

if (import.meta.main) Deno.exit(await cli(Deno.args));
