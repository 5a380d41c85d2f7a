/**
 * A Telegram bot, in HTML: its Markdown can't be escaped reliably.
 *
 * @module
 */

import type { Channel, ChannelSettings, Message, Outcome, Surroundings } from "../channel.ts";
import type { Answer } from "../exchange.ts";
import { below, httpChannel, postJson, secretOf, urlOf } from "../http_channel.ts";
import { jsonOf, outcomeOf, undelivered, waitOf } from "../outcome.ts";
import { type NoticeText, written } from "../texts.ts";

/** Counted after the entities; here with them, which is more. */
const MAX_TEXT = 4096;

/** What a person must mend, though the status says only that the request was bad. */
const FOR_GOOD = /chat not found|thread not found|upgraded to a supergroup|user not found/i;

/** Opens it. Secrets: `url` (the API), `token` (the bot's), `chat`, `thread` (a topic's id). */
export function openChannel(settings: ChannelSettings, surroundings: Surroundings): Channel {
  return httpChannel(settings, surroundings, {
    // 20 a minute to one group.
    rate: { burst: 5, perMinute: 20 },
    deliver: async (message, ask) => {
      const url = below(urlOf(settings), `bot${secretOf(settings, "token")}/sendMessage`);
      return judge(await ask(postJson(url, sent(settings, message))), surroundings.now());
    },
  });
}

function sent(settings: ChannelSettings, message: Message): Record<string, unknown> {
  const { thread } = settings.secrets;
  return {
    chat_id: secretOf(settings, "chat"),
    ...(thread !== undefined && { message_thread_id: Number(thread) }),
    text: written(message, { write: html, fits: ({ length }) => length <= MAX_TEXT }),
    parse_mode: "HTML",
    link_preview_options: { is_disabled: true },
  };
}

function html({ title, lines, link }: NoticeText): string {
  return [
    `<b>${escape(title)}</b>`,
    ...lines.map(({ text, verbatim }) =>
      verbatim ? `<code>${escapeMarkup(text)}</code>` : escape(text)
    ),
    ...(link === null ? [] : [`<a href="${escapeMarkup(link.url)}">${escape(link.label)}</a>`]),
  ].join("\n");
}

/** A name after an @ would be told of it, unless something without width stands between. */
function escape(text: string): string {
  return escapeMarkup(text).replaceAll("@", "@\u2060");
}

function escapeMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function judge(answer: Answer, now: number): Outcome {
  const { description, parameters } = jsonOf(answer);
  if (answer.status === 429) {
    const wait =
      typeof parameters === "object" && parameters !== null && "retry_after" in parameters
        ? waitOf(parameters.retry_after, 1000)
        : null;
    return undelivered("retry", answer, { cause: "limited", retryAfterMs: wait });
  }
  if (answer.status === 400 && typeof description === "string" && FOR_GOOD.test(description)) {
    return undelivered("broken", answer);
  }
  return outcomeOf(answer, { now });
}
