/**
 * A Mattermost incoming webhook. Its Markdown is escaped, and what would ping a channel or a person
 * is broken up, as it has no way of turning that off.
 *
 * @module
 */

import type { Channel, ChannelSettings, Surroundings } from "../channel.ts";
import { httpChannel, postJson, urlOf } from "../http_channel.ts";
import { outcomeOf } from "../outcome.ts";
import { type NoticeText, written } from "../texts.ts";

/** Its own limit for a post, characters. */
const MAX_POST = 16_383;

/** Opens it. Secrets: `url` (the whole webhook), `channel`, `username`. */
export function openChannel(settings: ChannelSettings, surroundings: Surroundings): Channel {
  const { channel, username } = settings.secrets;
  return httpChannel(settings, surroundings, {
    rate: { burst: 10, perMinute: 60 },
    deliver: async (message, ask) => {
      const text = written(message, { write: post, fits: ({ length }) => length <= MAX_POST });
      const body = {
        text,
        ...(channel !== undefined && { channel }),
        ...(username !== undefined && { username }),
      };
      return outcomeOf(await ask(postJson(urlOf(settings), body)), { now: surroundings.now() });
    },
  });
}

function post({ title, lines, link }: NoticeText): string {
  return [
    `**${escape(title)}**`,
    ...lines.map(({ text, verbatim }) => verbatim ? code(text) : escape(text)),
    ...(link === null ? [] : [`[${link.label}](${link.url.replace(/[()]/g, encodeURIComponent)})`]),
  ].join("\n");
}

function escape(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-!|~<>:^$&]/g, "\\$&")
    .replace(/^(\d+)\./, "$1\\.")
    // A character without width: the name is still to be read, and no longer one.
    .replaceAll("@", "@\u200b");
}

function code(text: string): string {
  return `\`\`\`\n${text.replaceAll("`", "ˋ")}\n\`\`\``;
}
