/**
 * What can stand where on a command line, as every completion script is told. Pure.
 *
 * @module
 */

import { CONFIG_FLAGS } from "../../flags.ts";
import type { Command, Flag, Offer, PathKind } from "../command.ts";
import { TOLD_COMMANDS } from "../commands.ts";
import { COMMON_FLAGS } from "../shared_flags.ts";

/** Flags of every command. */
export const EVERYWHERE: readonly Flag[] = [...CONFIG_FLAGS, ...COMMON_FLAGS];
/** Every flag that has a value. */
export const VALUE_FLAGS: readonly Flag[] = uniqueByName([
  ...EVERYWHERE,
  ...TOLD_COMMANDS.flatMap((command) => command.flags),
]).filter((flag) => flag.placeholder !== undefined);
/** First words of commands that have two. */
export const GROUPS: readonly string[] = [
  ...new Set(TOLD_COMMANDS.flatMap(({ name }) => name.includes(" ") ? [name.split(" ")[0]!] : [])),
];

/** A word that can stand at a place, with what it says. */
export type Word = readonly [word: string, description: string];

/**
 * The words of each place. A place is the command so far and how many operands it has, as
 * `add:0`; the empty command is the program itself.
 */
export function places(): [place: string, words: Word[]][] {
  const first: Word[] = [
    ...TOLD_COMMANDS.filter(({ name }) => !name.includes(" ")).map(({ name, summary }): Word => [
      name,
      summary,
    ]),
    ...GROUPS.filter((group) => !isCommand(group)).map((
      group,
    ): Word => [group, actions(group).map(([word]) => word).join(", ")]),
  ];
  return [
    [":0", first],
    ["help:0", first],
    ...GROUPS.flatMap((group): [string, Word[]][] => [
      [`${group}:0`, actions(group)],
      [`help:1:${group}`, actions(group)],
    ]),
    ...TOLD_COMMANDS.flatMap((command) =>
      command.operands.flatMap(({ values }, i): [string, Word[]][] =>
        values === undefined ? [] : [[`${command.name}:${i}`, values.map((value) => [value, ""])]]
      )
    ),
  ];
}

/** Whether it is a command by itself, though others begin with it. */
export function isCommand(word: string): boolean {
  return TOLD_COMMANDS.some(({ name }) => name === word);
}

/** The words that make another command of one that is one by itself. */
export function actionsOf(group: string): string[] {
  return actions(group).map(([word]) => word);
}

/** Places where a path stands. */
export function pathPlaces(): [place: string, kind: PathKind][] {
  return TOLD_COMMANDS.flatMap((command) =>
    command.operands.flatMap(({ path }, i): [string, PathKind][] =>
      path === undefined ? [] : [[`${command.name}:${i}`, path]]
    )
  );
}

/** Flags whose value is a path to this, as `--data-dir`. */
export function pathFlags(kind: PathKind): string[] {
  return VALUE_FLAGS.filter(({ path }) => path === kind).map(({ name }) => `--${name}`);
}

/** What of the index each place names. */
export function offers(): [place: string, offer: Offer][] {
  return TOLD_COMMANDS.flatMap((command) =>
    command.operands.flatMap(({ offers }, i): [string, Offer][] =>
      offers === undefined ? [] : [[`${command.name}:${i}`, offers]]
    )
  );
}

/** What of the index each flag names. */
export function flagOffers(): [flag: string, offer: Offer][] {
  return VALUE_FLAGS.flatMap(({ name, offers }): [string, Offer][] =>
    offers === undefined ? [] : [[`--${name}`, offers]]
  );
}

/** The flags that can follow a command, or stand before one. */
export function flagWords(command: Command | null): Word[] {
  return [...command?.flags ?? [], ...EVERYWHERE]
    .map(({ name, description }) => [`--${name}`, description]);
}

/** A flag with few values. */
export interface ValuedFlag {
  /** Its name. */
  readonly flag: string;
  /** All that it can have, whatever the command. */
  readonly values: readonly string[];
  /** Those that it can have with each command, where with another it has others. */
  readonly of: readonly (readonly [command: string, values: readonly string[]])[];
}

/** Flags with few values. */
export function flagsWithValues(): ValuedFlag[] {
  const found = [
    ...EVERYWHERE.map((flag) => ({ command: "", flag })),
    ...TOLD_COMMANDS.flatMap(({ name, flags }) => flags.map((flag) => ({ command: name, flag }))),
  ].flatMap(({ command, flag: { name, values } }) =>
    values === undefined ? [] : [{ command, name, values }]
  );
  return [...Map.groupBy(found, ({ name }) => name)].map(([flag, each]) => {
    const values = [...new Set(each.flatMap(({ values }) => values))];
    const same = each.every((one) => one.values.length === values.length);
    return { flag, values, of: same ? [] : each.map(({ command, values }) => [command, values]) };
  });
}

function actions(group: string): Word[] {
  return TOLD_COMMANDS.filter(({ name }) => name.startsWith(`${group} `))
    .map(({ name, summary }) => [name.slice(group.length + 1), summary]);
}

function uniqueByName(flags: readonly Flag[]): Flag[] {
  return [...new Map(flags.map((flag) => [flag.name, flag])).values()];
}
