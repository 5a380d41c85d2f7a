/**
 * Command line → command, operands and flags, or an error that names what was probably meant.
 * Runs nothing.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { CONFIG_FLAGS } from "../flags.ts";
import { type Command, type Flag, usageError } from "./command.ts";
import { quote } from "../text.ts";
import { type CommandName, COMMANDS, TOLD_COMMANDS } from "./commands.ts";
import { COMMON_FLAGS } from "./shared_flags.ts";
import { nearest } from "./nearest.ts";

/** A command line that names a command and gives it nothing that it doesn't take. */
export interface ParsedArguments {
  /** Null: none was named. */
  readonly command: Command | null;
  /** The words after the command; not counted or checked yet, see {@link checkOperands}. */
  readonly operands: readonly string[];
  /** Flags with a value, as typed. */
  readonly values: ReadonlyMap<string, string>;
  /** Switches that were given. */
  readonly switches: ReadonlySet<string>;
}

/**
 * Understands a command line. Flags may stand before and after the command.
 *
 * @throws {CommandError} Usage: an unknown command or flag, or a flag of another command.
 */
export function parseArguments(args: readonly string[]): ParsedArguments {
  refuseValuesOfSwitches(args);
  const unknown: string[] = [];
  // Every command's flags at once: which word is the command is known only after parsing.
  const { _: words, ...given } = parseArgs(withDashes(args), {
    string: ["_", ...VALUE_FLAGS],
    boolean: [...SWITCHES],
    alias: { help: "h", version: "V" },
    unknown: (arg, key) => {
      if (key !== undefined) unknown.push(arg);
      return key === undefined;
    },
  }) as { _: (string | number)[] } & Record<string, unknown>;
  const values = new Map<string, string>();
  const switches = new Set<string>();
  for (const name of VALUE_FLAGS) {
    const value = given[name];
    if (typeof value === "string") values.set(name, value);
  }
  for (const name of SWITCHES) if (given[name] === true) switches.add(name);

  const { command, operands } = findCommand(words.map(String), switches);
  const allowed = command === null ? ALL_FLAGS : flagsOf(command);
  for (const arg of unknown) throw unknownFlag(arg, command, allowed);
  for (const name of [...values.keys(), ...switches]) {
    if (command === null || allowed.has(name) || name === "version") continue;
    throw foreignFlag(name, command, allowed);
  }
  for (const flag of command?.flags ?? []) checkValue(flag, values.get(flag.name), command!);
  // An empty word, as an unset variable leaves it, is not taken for a value: without this it would
  // be blamed for standing where an operand could.
  const bare = CONFIG_FLAGS.find(({ name }) => values.get(name) === "");
  if (bare !== undefined && operands.includes("")) {
    throw usageError(`Cannot use --${bare.name}: it needs a value`, flagsHint(command));
  }
  return { command, operands, values, switches };
}

/**
 * Holds the operands against the command's.
 *
 * @throws {CommandError} Usage: too few, too many, empty, or not one of the possible values.
 */
export function checkOperands(command: Command, operands: readonly string[]): void {
  const hint = `\`tinyforge help ${command.name}\` explains it`;
  command.operands.forEach((operand, i) => {
    const value = operands[i];
    if (value === undefined) {
      if (operand.optional) return;
      const which = operand.values === undefined ? "" : ` (${operand.values.join(", ")})`;
      throw usageError(`Cannot run "${command.name}": ${operand.name}${which} is missing`, hint);
    }
    const given = operand.many ? operands.slice(i) : [value];
    if (given.includes("") && !operand.mayBeEmpty) {
      throw usageError(`Cannot run "${command.name}": ${operand.name} is empty`, hint);
    }
    if (operand.values === undefined || operand.values.includes(value)) return;
    const meant = nearest(value, operand.values);
    throw usageError(
      `Cannot run "${command.name}": ${quote(value)} is not one of ${operand.values.join(", ")}`,
      meant === null ? hint : `did you mean ${quote(meant)}?`,
    );
  });
  if (command.operands.at(-1)?.many) return;
  const extra = operands[command.operands.length];
  if (extra === undefined) return;
  const count = command.operands.length;
  const action = nearest(extra, actionsOf(command.name));
  if (count === 0 && action !== null) {
    throw usageError(
      `Cannot run ${quote(`${command.name} ${extra}`)}: no such command`,
      `did you mean "${command.name} ${action}"?`,
    );
  }
  throw usageError(
    `Cannot run "${command.name}": ${quote(extra)} is one word too many`,
    count === 0 ? hint : `${hint}; a name with spaces needs quotes`,
  );
}

const ALL_COMMAND_FLAGS: readonly Flag[] = [
  ...COMMON_FLAGS,
  ...CONFIG_FLAGS,
  ...COMMANDS.flatMap((command) => command.flags),
];
const VALUE_FLAGS: ReadonlySet<string> = new Set(
  ALL_COMMAND_FLAGS.filter((flag) => flag.placeholder !== undefined).map((flag) => flag.name),
);
/** `--version` is the command of that name, for those whose fingers know it so. */
const SWITCHES: ReadonlySet<string> = new Set([
  ...ALL_COMMAND_FLAGS.filter((flag) => flag.placeholder === undefined).map((flag) => flag.name),
  "version",
]);
const ALL_FLAGS: ReadonlySet<string> = new Set([...VALUE_FLAGS, ...SWITCHES]);

/** Of a flag that more commands take they are not named. */
const MAX_OWNERS = 4;

/** `--force=no` must not force: anything but the word false would be a yes. */
function refuseValuesOfSwitches(args: readonly string[]): void {
  for (const arg of args) {
    if (arg === "--") return;
    const [, name] = /^--([^=]+)=/.exec(arg) ?? [];
    if (name === undefined || !SWITCHES.has(name)) continue;
    throw usageError(`Cannot use --${name} with a value: it takes none`, flagsHint(null));
  }
}

/** `--file -` means stdin; the parser would take the dash for a word of its own. */
function withDashes(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const [i, arg] of args.entries()) {
    const before = args[i - 1] ?? "";
    const ended = args.indexOf("--");
    const isValue = arg === "-" && before.startsWith("--") && VALUE_FLAGS.has(before.slice(2)) &&
      (ended < 0 || i < ended);
    if (isValue) joined[joined.length - 1] = `${before}=-`;
    else joined.push(arg);
  }
  return joined;
}

function flagsOf(command: Command): ReadonlySet<string> {
  return new Set(
    [...command.flags, ...CONFIG_FLAGS, ...COMMON_FLAGS].map((flag) => flag.name),
  );
}

function findCommand(
  words: readonly string[],
  switches: ReadonlySet<string>,
): { command: Command | null; operands: readonly string[] } {
  const named = (name: string) => COMMANDS.find((command) => command.name === name) ?? null;
  const known: (name: CommandName) => Command | null = named;
  if (switches.has("version")) return { command: known("version"), operands: words };
  const [first, second] = words;
  if (first === undefined) return { command: null, operands: [] };
  const action = named(`${first} ${second}`);
  if (action !== null) return { command: action, operands: words.slice(2) };
  const one = named(first);
  if (one !== null) return { command: one, operands: words.slice(1) };
  const actions = actionsOf(first);
  if (actions.length === 0) throw unknownCommand(first);
  // `tinyforge container --help` asks what there is, it is not a mistake.
  if (second === undefined && switches.has("help")) {
    return { command: known("help"), operands: [first] };
  }
  const meant = second === undefined ? null : nearest(second, actions);
  throw usageError(
    second === undefined
      ? `Cannot run "${first}": say ${alternatives(actions)}`
      : `Cannot run ${quote(`${first} ${second}`)}: no such command`,
    meant === null
      ? `\`tinyforge help ${first}\` explains them`
      : `did you mean "${first} ${meant}"?`,
  );
}

/** Second words of the commands that begin with this one. */
function actionsOf(first: string): string[] {
  return COMMANDS.filter(({ name }) => name.startsWith(`${first} `))
    .map(({ name }) => name.slice(first.length + 1));
}

function unknownCommand(word: string): Error {
  const names = TOLD_COMMANDS.flatMap((command) => [command.name, command.name.split(" ")[0]!]);
  const meant = nearest(word, names);
  return usageError(
    `Cannot run ${quote(word)}: no such command`,
    meant === null ? undefined : `did you mean "${meant}"?`,
  );
}

function unknownFlag(
  arg: string,
  command: Command | null,
  allowed: ReadonlySet<string>,
): Error {
  const [, name = ""] = /^--?([^=]*)/s.exec(arg) ?? [];
  if (allowed.has(name) && arg.endsWith("=")) {
    return usageError(`Cannot use --${name}: it needs a value`, flagsHint(command));
  }
  const meant = nearest(name, allowed);
  return usageError(
    `Cannot use ${quote(arg.replace(/=.*$/s, ""))}: no such flag`,
    meant === null ? flagsHint(command) : `did you mean --${meant}?`,
  );
}

function flagsHint(command: Command | null): string {
  return `\`tinyforge help${command === null ? "" : ` ${command.name}`}\` lists the flags`;
}

function foreignFlag(name: string, command: Command, allowed: ReadonlySet<string>): Error {
  const owners = COMMANDS.filter((other) => other.flags.some((flag) => flag.name === name));
  const meant = nearest(name, allowed);
  const whose = owners.length > MAX_OWNERS
    ? "it does not take it"
    : `it is a flag of ${alternatives(owners.map((other) => `"${other.name}"`))}`;
  return usageError(
    `Cannot use --${name} with "${command.name}": ${whose}`,
    meant === null ? flagsHint(command) : `did you mean --${meant}?`,
  );
}

function checkValue(flag: Flag, value: string | undefined, command: Command): void {
  if (value === undefined) return;
  if (value === "") {
    throw usageError(`Cannot use --${flag.name}: it needs a value`, flagsHint(command));
  }
  const { values } = flag;
  if (values === undefined) return;
  const wrong = (flag.list ? value.split(",") : [value]).find((part) => !values.includes(part));
  if (wrong === undefined) return;
  const meant = nearest(wrong, values);
  throw usageError(
    `Cannot use --${flag.name} ${quote(wrong)}: not one of ${values.join(", ")}`,
    meant === null ? flagsHint(command) : `did you mean ${quote(meant)}?`,
  );
}

function alternatives(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
