/**
 * An Apprise API server, which tells the services that are configured under a key.
 *
 * @module
 */

import type { Channel, ChannelSettings, Message, Outcome, Surroundings } from "../channel.ts";
import type { Answer } from "../exchange.ts";
import { below, httpChannel, postJson, secretOf, urlOf } from "../http_channel.ts";
import { isOver, severityOf } from "../notice.ts";
import { outcomeOf, undelivered } from "../outcome.ts";
import { wholeText } from "../texts.ts";

/** Sent again, it reaches those a second time whom it reached: so not every few seconds. */
const PARTLY_SENT_WAIT_MS = 10 * 60_000;

/** Opens it. Secrets: `url` (the server), `key` (of a configuration), `tag`, `authorization`. */
export function openChannel(settings: ChannelSettings, surroundings: Surroundings): Channel {
  return httpChannel(settings, surroundings, {
    rate: { burst: 10, perMinute: 30 },
    deliver: async (message, ask) => {
      const path = `notify/${encodeURIComponent(secretOf(settings, "key"))}`;
      const { authorization } = settings.secrets;
      const headers = authorization === undefined ? {} : { authorization };
      const url = below(urlOf(settings), path);
      return judge(
        await ask(postJson(url, posted(settings, message), headers)),
        surroundings.now(),
      );
    },
  });
}

function posted({ secrets }: ChannelSettings, message: Message): Record<string, unknown> {
  const { title, lines, link } = wholeText(message);
  const { content } = message;
  const type = isOver(content)
    ? "success"
    : content.kind === "test"
    ? "info"
    : severityOf(content) === "high"
    ? "failure"
    : "warning";
  return {
    title,
    body: [...lines.map(({ text }) => text), ...(link === null ? [] : [link.url])].join("\n"),
    type,
    format: "text",
    ...(secrets.tag !== undefined && { tag: secrets.tag }),
  };
}

function judge(answer: Answer, now: number): Outcome {
  // There is nothing under that key, or nothing with that tag: nobody was told.
  if (answer.status === 204) return undelivered("broken", answer);
  // Some or all of the services behind it were not reached; which, it does not say.
  if (answer.status === 424) {
    return undelivered("retry", answer, { retryAfterMs: PARTLY_SENT_WAIT_MS });
  }
  return outcomeOf(answer, { now });
}
