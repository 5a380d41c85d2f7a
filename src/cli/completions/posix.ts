/**
 * What the scripts for bash and zsh have in common. Pure.
 *
 * @module
 */

import type { Offer } from "../command.ts";
import { shellQuoted } from "../../shell_word.ts";
import { actionsOf, flagsWithValues, GROUPS, isCommand, VALUE_FLAGS } from "./places.ts";

/** Bash and zsh alike: the lines of a `case` that set what is offered. */
export function offerCases(cases: readonly (readonly [pattern: string, offer: Offer])[]): string {
  return cases.map(([pattern, offer]) => `    ${pattern}) offer=${offer} ;;`).join("\n");
}

/** Bash and zsh alike: the lines of a `case` that set the values of the flag before. */
export function valueCases(set: (values: readonly string[]) => string): string {
  return flagsWithValues().map(({ flag, values, of }) => {
    if (of.length === 0) return `    --${flag}) ${set(values)} ;;`;
    const cases = of.map(([command, values]) =>
      `        ${shellQuoted(command)}) ${set(values)} ;;`
    );
    return `    --${flag})
      case $cmd in
${cases.join("\n")}
        *) ${set(values)} ;;
      esac ;;`;
  }).join("\n");
}

/**
 * Bash and zsh alike: sets cmd to the command so far, n to its operands, last to the last one, dir
 * to the data directory that was named.
 */
export function findPlace(at: { word: string; from: number; before: string }): string {
  return `  local cmd= last= dir= flag= word i n=0 skip=0
  for ((i = ${at.from}; i < ${at.before}; i++)); do
    word=${at.word}
    if ((skip)); then
      [[ $flag == --data-dir ]] && dir=$word
      skip=0; continue
    fi
    case $word in
      ${valuePattern()}) skip=1; flag=$word ;;
      --data-dir=*) dir=\${word#*=} ;;
      -*) ;;
      *)
        case $cmd in
          '') cmd=$word ;;
          ${GROUPS.filter((group) => !isCommand(group)).join("|")}) cmd="$cmd $word" ;;
${
    GROUPS.filter(isCommand).map((group) =>
      `          ${group})
            case $word in
              ${actionsOf(group).join("|")}) cmd="$cmd $word" ;;
              *) n=$((n + 1)); last=$word ;;
            esac ;;`
    ).join("\n")
  }
          *) n=$((n + 1)); last=$word ;;
        esac ;;
    esac
  done`;
}

/** `add:0` as a pattern; what was typed before counts only where the place says so. */
export function pattern(place: string): string {
  const anyLast = place.split(":").length === 2 && !place.endsWith(":0") ? ":*" : "";
  return shellQuoted(place) + anyLast;
}

/** Every value flag's pattern for a shell's `case`. */
export function valuePattern(): string {
  return VALUE_FLAGS.map(({ name }) => `--${name}`).join("|");
}
