/**
 * Gotify: one's own server, an application's token in a header.
 *
 * @module
 */

import type { Channel, ChannelSettings, Message, Surroundings } from "../channel.ts";
import { below, httpChannel, postJson, secretOf, urlOf } from "../http_channel.ts";
import { isOver, severityOf } from "../notice.ts";
import { outcomeOf } from "../outcome.ts";
import { wholeText } from "../texts.ts";

/** Opens it. Secrets: `url` (the server), `token` (the application's). */
export function openChannel(settings: ChannelSettings, surroundings: Surroundings): Channel {
  return httpChannel(settings, surroundings, {
    rate: { burst: 30, perMinute: 60 },
    deliver: async (message, ask) => {
      const url = below(urlOf(settings), "message");
      const headers = { "x-gotify-key": secretOf(settings, "token") };
      const answer = await ask(postJson(url, pushed(settings, message), headers));
      return outcomeOf(answer, { now: surroundings.now() });
    },
  });
}

function pushed({ config }: ChannelSettings, message: Message): Record<string, unknown> {
  const { title, lines, link } = wholeText(message);
  const { content } = message;
  const priority = isOver(content) ? 4 : severityOf(content) === "high" ? 8 : 5;
  return {
    title,
    message: lines.map(({ text }) => text).join("\n"),
    priority: config.priority ?? priority,
    extras: {
      "client::display": { contentType: "text/plain" },
      ...(link !== null && { "client::notification": { click: { url: link.url } } }),
    },
  };
}
