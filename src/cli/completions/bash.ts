/**
 * The completion script for bash. Pure: it is text.
 *
 * @module
 */

import { TOLD_COMMANDS } from "../commands.ts";
import { shellQuoted } from "../../shell_word.ts";
import {
  flagOffers,
  flagWords,
  offers,
  pathFlags,
  pathPlaces,
  places,
  type Word,
} from "./places.ts";
import { findPlace, offerCases, pattern, valueCases, valuePattern } from "./posix.ts";

/** The script. */
export function bash(): string {
  const list = (words: readonly Word[]) => shellQuoted(words.map(([word]) => word).join(" "));
  return `# tinyforge completions for bash: source <(tinyforge completions bash)
_tinyforge() {
  # Bash takes a row's id apart at its colons, and a flag from its value at "=".
  local -a line
  local part joined=
  for part in "\${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
    if ((\${#line[@]} > 1)) && [[ $part == : || $joined ]]; then
      line[\${#line[@]}-1]+=$part
      [[ $part == : ]] && joined=1 || joined=
    elif [[ $part != = || \${#line[@]} -lt 2 ]]; then line+=("$part")
    fi
  done
  [[ $part == = ]] && line+=("")
  local end=$((\${#line[@]} - 1))
  local cur=\${line[end]} prev=\${line[end-1]}
${findPlace({ word: "${line[i]}", from: 1, before: "end" })}
  local words= offer= paths=
  case $prev in
${offerCases(flagOffers())}
${valueCases((values) => `words=${shellQuoted(values.join(" "))}`)}
    ${pathFlags("folder").join("|")}) paths=-d ;;
    ${pathFlags("file").join("|")}) paths=-f ;;
    ${valuePattern()}) return ;;
    *)
      if [[ $cur == -* ]]; then
        case $cmd in
${
    TOLD_COMMANDS.map((command) =>
      `          ${shellQuoted(command.name)}) words=${list(flagWords(command))} ;;`
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
${offerCases(offers().map(([place, offer]) => [pattern(place), offer]))}
        esac
        case $cmd:$n in
          ${pathPlaces().map(([place]) => shellQuoted(place)).join("|")}) paths=-f ;;
        esac
      fi ;;
  esac
  if [[ $offer ]]; then
    # Not through compgen -W, which expands what it is given.
    local typed=\${cur#[\\"\\']} name before=
    typed=\${typed//\\\\/}
    [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]] && before=\${cur%"\${cur##*:}"}
    [[ $offer == entries ]] || last=
    dir=\${dir/#\\~\\//$HOME/}
    while IFS= read -r name; do
      [[ $name == "$typed"* ]] || continue
      [[ $cur == [\\"\\']* ]] || printf -v name %q "$name"
      COMPREPLY+=("\${name#"$before"}")
    done < <("\${COMP_WORDS[0]}" complete "$offer" \${last:+"$last"} \${dir:+--data-dir "$dir"} 2>/dev/null)
    return
  fi
  if [[ $paths ]]; then
    # What a file is called is for readline to quote.
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -W "$words" "$paths" -- "$cur")
    return
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _tinyforge tinyforge
`;
}
