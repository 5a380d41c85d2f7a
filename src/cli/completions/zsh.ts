/**
 * The completion script for zsh. Pure: it is text.
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
export function zsh(): string {
  const list = (words: readonly Word[]) =>
    words.map(([word, says]) => shellQuoted(says === "" ? word : `${word}:${says}`)).join(" ");
  return `#compdef tinyforge
# tinyforge completions for zsh: source <(tinyforge completions zsh), or save as _tinyforge in $fpath
_tinyforge() {
  local cur=\${words[CURRENT]} prev=\${words[CURRENT-1]}
${findPlace({ word: "${words[i]}", from: 2, before: "CURRENT" })}
  local -a found
  local offer=
  case $prev in
${offerCases(flagOffers())}
${valueCases((values) => `found=(${list(values.map((value) => [value, ""]))})`)}
    ${pathFlags("folder").join("|")}) _files -/; return ;;
    ${pathFlags("file").join("|")}) _files; return ;;
    ${valuePattern()}) return ;;
    *)
      if [[ $cur == -* ]]; then
        case $cmd in
${
    TOLD_COMMANDS.map((command) =>
      `          ${shellQuoted(command.name)}) found=(${list(flagWords(command))}) ;;`
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
${offerCases(offers().map(([place, offer]) => [pattern(place), offer]))}
      esac ;;
  esac
  if [[ -n $offer ]]; then
    [[ $offer == entries ]] || last=
    dir=\${dir/#\\~\\//$HOME/}
    found=("\${(@f)$("\${words[1]}" complete $offer \${last:+"$last"} \${dir:+--data-dir} \${dir:+"$dir"} 2>/dev/null)}")
    compadd -- "\${(@)found:#}"
    return
  fi
  case $cmd:$n in
    ${pathPlaces().map(([place]) => shellQuoted(place)).join("|")}) _files ;;
  esac
  _describe word found
}
if [[ \${zsh_eval_context[-1]} == loadautofunc ]]; then _tinyforge "$@"; else compdef _tinyforge tinyforge; fi
`;
}
