/**
 * The completion script for fish. Pure: it is text.
 *
 * @module
 */

import type { Flag, Offer } from "../command.ts";
import { TOLD_COMMANDS } from "../commands.ts";
import {
  actionsOf,
  EVERYWHERE,
  GROUPS,
  isCommand,
  offers,
  pathPlaces,
  places,
  VALUE_FLAGS,
} from "./places.ts";

/** The script. */
export function fish(): string {
  const at = (place: string) => `-n ${quoted(`__tinyforge_at ${quoted(place)}`)}`;
  const says = (text: string) => text === "" ? "" : ` -d ${quoted(text)}`;
  const offered = (offer: Offer | undefined) =>
    offer === undefined ? "" : ` -k -a ${quoted(`(__tinyforge_words ${offer})`)}`;
  const flag = ({ name, placeholder, values, description, offers, path }: Flag) =>
    ` -l ${name}${placeholder === undefined ? "" : path === undefined ? " -x" : " -r -F"}` +
    offered(offers) +
    `${values === undefined ? "" : ` -a ${quoted(values.join(" "))}`}${says(description)}`;
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
                    case ${GROUPS.filter((group) => !isCommand(group)).join(" ")}
                        set cmd "$cmd $word"
${
    GROUPS.filter(isCommand).map((group) =>
      `                    case ${group}
                        if contains -- $word ${actionsOf(group).join(" ")}
                            set cmd "$cmd $word"
                        else
                            set n (math $n + 1)
                            set last $word
                        end`
    ).join("\n")
  }
                    case '*'
                        set n (math $n + 1)
                        set last $word
                end
        end
    end
    test "$argv[1]" = "$cmd:$n"; or test "$argv[1]" = "$cmd:$n:$last"; or test "$argv[1]" = "$cmd"
end
function __tinyforge_words
    set -l typed (commandline -opc)
    set -l args
    set -l kind ''
    set -l skip 0
    for word in $typed[2..]
        if test $skip = 1
            set -a args --data-dir $word
            set skip 0
            continue
        end
        switch $word
            case --data-dir
                set skip 1
            case '--data-dir=*'
                set -a args $word
            case project stack site stage
                test "$argv[1]" = entries -a -z "$kind"; and set kind $word
        end
    end
    test -n "$kind"; and set -a argv $kind
    type -q $typed[1]; or return
    $typed[1] complete $argv $args 2>/dev/null
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
${
    offers().map(([place, offer]) => `complete -c tinyforge ${at(place)}${offered(offer)}`)
      .join("\n")
  }
${pathPlaces().map(([place]) => `complete -c tinyforge ${at(place)} -F`).join("\n")}
`;
}

/** The text as one word. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
