/**
 * The command line: understands it, runs the command, and turns whatever is thrown into a message
 * and an exit code. Must not load what the command doesn't need.
 *
 * @module
 */

import "../system/hangup.ts";
import { type Config, resolveConfig } from "../config.ts";
import type { FlagName } from "../flags.ts";
import { CONFIG_FLAGS } from "../flags.ts";
import { checkOperands, parseArguments, type ParsedArguments } from "./arguments.ts";
import { type Command, EXIT } from "./command.ts";
import type { CommandName, InvocationOf } from "./commands.ts";
import { describeFailure } from "./failure.ts";
import { LOADERS, type Run } from "./loaders.ts";
import { Output, OutputClosed } from "./output.ts";
import { commandUsage, overview, usage } from "./usage.ts";

/** Runs the program with these arguments; resolves with its exit code and never rejects. */
export async function cli(args: readonly string[]): Promise<number> {
  const out = new Output({ noColor: args.includes("--no-color") });
  try {
    return await run(parseArguments(args), out);
  } catch (error) {
    // Whoever reads stdout has seen enough, as with `| head`.
    if (error instanceof OutputClosed) return EXIT.done;
    const { lines, json, exitCode } = describeFailure(error, { traces: wantsTraces(args) });
    // Data is what stdout is for; who reads JSON reads its errors from stderr.
    out.notes(...(wantsJson(args) ? [JSON.stringify(json)] : lines));
    return exitCode;
  }
}

async function run(parsed: ParsedArguments, out: Output): Promise<number> {
  const { command } = parsed;
  if (command === null) {
    if (parsed.switches.has("help")) {
      out.raw(usage());
      return EXIT.done;
    }
    out.notes(...overview().trimEnd().split("\n"));
    return EXIT.usage;
  }
  if (parsed.switches.has("help") && command.name !== "help") {
    out.raw(commandUsage(command));
    return EXIT.done;
  }
  checkOperands(command, parsed.operands);
  const start = await load(command);
  return await start(invocation(parsed, out));
}

/** Parsing held the words and flags against the table; from here on the types do. */
function load({ name }: Command): Promise<Run<CommandName>> {
  return LOADERS[name as CommandName]() as Promise<Run<CommandName>>;
}

function invocation(
  { operands, values, switches }: ParsedArguments,
  out: Output,
): InvocationOf<CommandName> {
  let config: Config | null = null;
  return {
    // As names are kept: a keyboard that composes letters otherwise means the same name.
    operands: operands.map((word) => word.normalize("NFC")) as unknown as InvocationOf<
      CommandName
    >["operands"],
    out,
    flag: (name) => values.get(name),
    on: (name) => switches.has(name),
    config: () => config ??= readConfig(values),
  };
}

function readConfig(values: ReadonlyMap<string, string>): Config {
  const flags: { [name in FlagName]?: string | undefined } = {};
  for (const { name } of CONFIG_FLAGS) flags[name] = values.get(name);
  return resolveConfig({ flags, env: (name) => Deno.env.get(name) });
}

/** As {@link wantsTraces}; what stands after `--` is no flag. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end === -1 ? undefined : end).includes("--json");
}

/** Asked after anything may have failed, so it asks the plainest way. */
function wantsTraces(args: readonly string[]): boolean {
  const flag = args.findLastIndex((arg) => arg.startsWith("--log-level"));
  if (flag !== -1) return args[flag] === "--log-level=debug" || args[flag + 1] === "debug";
  return Deno.env.get("TINYFORGE_LOG_LEVEL") === "debug";
}
