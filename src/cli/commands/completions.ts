/**
 * `tinyforge completions SHELL`: completion scripts, made from the command table. The scripts run
 * nothing: they know the words of the table, not the names in an index.
 *
 * @module
 */

import { CONFIG_FLAGS } from "../../flags.ts";
import { type Command, EXIT, type Flag } from "../command.ts";
import { COMMON_FLAGS, type InvocationOf, TOLD_COMMANDS } from "../commands.ts";

/** Prints the script for a shell. */
export function run({ operands, out }: InvocationOf<"completions">): Promise<number> {
  out.raw({ bash, zsh, fish }[operands[0] as "bash" | "zsh" | "fish"]());
  return Promise.resolve(EXIT.done);
}

const EVERYWHERE: readonly Flag[] = [...CONFIG_FLAGS, ...COMMON_FLAGS];
const VALUE_FLAGS: readonly Flag[] = uniqueByName([
  ...EVERYWHERE,
  ...TOLD_COMMANDS.flatMap((command) => command.flags),
]).filter((flag) => flag.placeholder !== undefined);
/** First words of commands that have two. */
const GROUPS: readonly string[] = [
  ...new Set(TOLD_COMMANDS.flatMap(({ name }) => name.includes(" ") ? [name.split(" ")[0]!] : [])),
];

/** A word that can stand at a place, with what it says. */
type Word = readonly [word: string, description: string];

/**
 * The words of each place. A place is the command so far and how many operands it has, as
 * `add:0`; the empty command is the program itself.
 */
function places(): [place: string, words: Word[]][] {
  const first: Word[] = [
    ...TOLD_COMMANDS.filter(({ name }) => !name.includes(" ")).map(({ name, summary }): Word => [
      name,
      summary,
    ]),
    ...GROUPS.map((group): Word => [group, actions(group).map(([word]) => word).join(", ")]),
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

function actions(group: string): Word[] {
  return TOLD_COMMANDS.filter(({ name }) => name.startsWith(`${group} `))
    .map(({ name, summary }) => [name.slice(group.length + 1), summary]);
}

function flagWords(command: Command | null): Word[] {
  return [...command?.flags ?? [], ...EVERYWHERE]
    .map(({ name, description }) => [`--${name}`, description]);
}

function uniqueByName(flags: readonly Flag[]): Flag[] {
  return [...new Map(flags.map((flag) => [flag.name, flag])).values()];
}

/** Every value flag's pattern for a shell's `case`. */
function valuePattern(): string {
  return VALUE_FLAGS.map(({ name }) => `--${name}`).join("|");
}

function bash(): string {
  const list = (words: readonly Word[]) => quoted(words.map(([word]) => word).join(" "));
  return `# tinyforge completions for bash: source <(tinyforge completions bash)
_tinyforge() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
${findPlace({ word: "${COMP_WORDS[i]}", from: 1, before: "COMP_CWORD" })}
  local words=
  case $prev in
${
    flagsWithValues().map(([flag, values]) => `    --${flag}) words=${quoted(values.join(" "))} ;;`)
      .join("\n")
  }
    --data-dir) COMPREPLY=($(compgen -d -- "$cur")); return ;;
    ${valuePattern()}) return ;;
    *)
      if [[ $cur == -* ]]; then
        case $cmd in
${
    TOLD_COMMANDS.map((command) =>
      `          ${quoted(command.name)}) words=${list(flagWords(command))} ;;`
    )
      .join("\n")
  }
          *) words=${list(flagWords(null))} ;;
        esac
      else
        case $cmd:$n\${last:+:$last} in
${
    places().map(([place, words]) => `          ${pattern(place)}) words=${list(words)} ;;`).join(
      "\n",
    )
  }
        esac
      fi ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _tinyforge tinyforge
`;
}

function zsh(): string {
  const list = (words: readonly Word[]) =>
    words.map(([word, says]) => quoted(says === "" ? word : `${word}:${says}`)).join(" ");
  return `#compdef tinyforge
# tinyforge completions for zsh: source <(tinyforge completions zsh), or save as _tinyforge in $fpath
_tinyforge() {
  local cur=\${words[CURRENT]} prev=\${words[CURRENT-1]}
${findPlace({ word: "${words[i]}", from: 2, before: "CURRENT" })}
  local -a found
  case $prev in
${
    flagsWithValues().map(([flag, values]) =>
      `    --${flag}) found=(${list(values.map((value) => [value, ""]))}) ;;`
    ).join("\n")
  }
    --data-dir) _files -/; return ;;
    ${valuePattern()}) return ;;
    *)
      if [[ $cur == -* ]]; then
        case $cmd in
${
    TOLD_COMMANDS.map((command) =>
      `          ${quoted(command.name)}) found=(${list(flagWords(command))}) ;;`
    ).join("\n")
  }
          *) found=(${list(flagWords(null))}) ;;
        esac
        _describe -o flag found
        return
      fi
      case $cmd:$n\${last:+:$last} in
${
    places().map(([place, words]) => `        ${pattern(place)}) found=(${list(words)}) ;;`)
      .join("\n")
  }
      esac ;;
  esac
  _describe word found
}
if [[ \${zsh_eval_context[-1]} == loadautofunc ]]; then _tinyforge "$@"; else compdef _tinyforge tinyforge; fi
`;
}

/** Bash and zsh alike: sets cmd to the command so far, n to its operands, last to the last one. */
function findPlace(at: { word: string; from: number; before: string }): string {
  return `  local cmd= last= word i n=0 skip=0
  for ((i = ${at.from}; i < ${at.before}; i++)); do
    word=${at.word}
    if ((skip)); then skip=0; continue; fi
    case $word in
      ${valuePattern()}) skip=1 ;;
      -*) ;;
      *)
        case $cmd in
          '') cmd=$word ;;
          ${GROUPS.join("|")}) cmd="$cmd $word" ;;
          *) n=$((n + 1)); last=$word ;;
        esac ;;
    esac
  done`;
}

/** `add:0` as a pattern; what was typed before counts only where the place says so. */
function pattern(place: string): string {
  const anyLast = place.split(":").length === 2 && !place.endsWith(":0") ? ":*" : "";
  return quoted(place) + anyLast;
}

function flagsWithValues(): [string, readonly string[]][] {
  const values = new Map<string, Set<string>>();
  for (const flag of [...EVERYWHERE, ...TOLD_COMMANDS.flatMap((command) => command.flags)]) {
    if (flag.values === undefined) continue;
    // A flag of two commands may take other values with each: here all of them.
    values.set(flag.name, (values.get(flag.name) ?? new Set()).union(new Set(flag.values)));
  }
  return [...values].map(([name, words]) => [name, [...words]]);
}

function fish(): string {
  const at = (place: string) => `-n ${quoted(`__tinyforge_at ${quoted(place)}`, "fish")}`;
  const says = (text: string) => text === "" ? "" : ` -d ${quoted(text, "fish")}`;
  const flag = ({ name, placeholder, values, description }: Flag) =>
    ` -l ${name}${placeholder === undefined ? "" : " -x"}` +
    `${values === undefined ? "" : ` -a ${quoted(values.join(" "), "fish")}`}${says(description)}`;
  return `# tinyforge completions for fish: tinyforge completions fish | source
function __tinyforge_at
    set -l cmd ''
    set -l last ''
    set -l n 0
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case ${VALUE_FLAGS.map(({ name }) => `--${name}`).join(" ")}
                set skip 1
            case '-*'
            case '*'
                switch $cmd
                    case ''
                        set cmd $word
                    case ${GROUPS.join(" ")}
                        set cmd "$cmd $word"
                    case '*'
                        set n (math $n + 1)
                        set last $word
                end
        end
    end
    test "$argv[1]" = "$cmd:$n"; or test "$argv[1]" = "$cmd:$n:$last"; or test "$argv[1]" = "$cmd"
end
complete -c tinyforge -f
${EVERYWHERE.map((each) => `complete -c tinyforge${flag(each)}`).join("\n")}
${
    TOLD_COMMANDS.flatMap(({ name, flags }) =>
      flags.map((each) => `complete -c tinyforge ${at(name)}${flag(each)}`)
    ).join("\n")
  }
${
    places().flatMap(([place, words]) =>
      words.map(([word, text]) => `complete -c tinyforge ${at(place)} -a ${word}${says(text)}`)
    ).join("\n")
  }
`.replace("complete -c tinyforge -l data-dir -x", "complete -c tinyforge -l data-dir -r -F");
}

/** The text as one word: bash and zsh leave a quote to write one, fish escapes it. */
function quoted(text: string, shell: "posix" | "fish" = "posix"): string {
  return shell === "fish"
    ? `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`
    : `'${text.replaceAll("'", "'\\''")}'`;
}
