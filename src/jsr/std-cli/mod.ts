/**
 * Help for command line programs, under the names and with the behaviour of `@std/cli` 1.0.32:
 * the part of it that is used here. Must not export what that package does not.
 *
 * @module
 */

export { type Args, parseArgs, type ParseOptions } from "./parse_args.ts";
