/**
 * ntfy, the public server or one's own: publishes as JSON, so that neither title nor text has to
 * fit into a header. It has no way of telling a double.
 *
 * @module
 */

import type { Channel, ChannelSettings, Message, Outcome, Surroundings } from "../channel.ts";
import type { Answer } from "../exchange.ts";
import { httpChannel, postJson, secretOf, urlOf } from "../http_channel.ts";
import { isOver, severityOf } from "../notice.ts";
import { jsonOf, outcomeOf, undelivered } from "../outcome.ts";
import { written } from "../texts.ts";

/** What is longer becomes an attachment, bytes. */
const MAX_MESSAGE = 4096;
const MAX_TITLE = 250;

/** ntfy's own codes for a topic that can't be. */
const BAD_TOPIC: ReadonlySet<unknown> = new Set([40009, 40010]);

/** Opens it. Secrets: `url` (the server), `topic`, `authorization`. */
export function openChannel(settings: ChannelSettings, surroundings: Surroundings): Channel {
  return httpChannel(settings, surroundings, {
    // Its server: 60 at once, then one every 5 s, for all who share the address.
    rate: { burst: 30, perMinute: 12 },
    deliver: async (message, ask) => {
      const { authorization } = settings.secrets;
      const body = { topic: secretOf(settings, "topic"), ...publication(settings, message) };
      const headers = authorization === undefined ? {} : { authorization };
      const answer = await ask(postJson(urlOf(settings), body, headers));
      return judge(answer, surroundings.now());
    },
  });
}

function publication(settings: ChannelSettings, message: Message): Record<string, unknown> {
  const { content } = message;
  const high = severityOf(content) === "high" && !isOver(content);
  const text = written(message, {
    write: ({ title, lines, link }) => ({
      title,
      message: lines.map(({ text }) => text).join("\n"),
      ...(link !== null && { click: link.url }),
    }),
    fits: ({ title, message }) =>
      title.length <= MAX_TITLE && new TextEncoder().encode(message).length <= MAX_MESSAGE,
  });
  return {
    ...text,
    priority: settings.config.priority ?? (high ? 4 : 3),
    tags: isOver(content)
      ? ["white_check_mark"]
      : content.kind === "test"
      ? []
      : [high ? "rotating_light" : "warning"],
  };
}

function judge(answer: Answer, now: number): Outcome {
  if (answer.status === 400 && BAD_TOPIC.has(jsonOf(answer).code)) {
    return undelivered("broken", answer);
  }
  return outcomeOf(answer, { now });
}
