/**
 * A Discord webhook: one embed, no pings whatever it says.
 *
 * @module
 */

import type { Channel, ChannelSettings, Message, Outcome, Surroundings } from "../channel.ts";
import type { Answer } from "../exchange.ts";
import { httpChannel, postJson, urlOf } from "../http_channel.ts";
import { isOver, severityOf } from "../notice.ts";
import { jsonOf, outcomeOf, undelivered, waitOf } from "../outcome.ts";
import { type NoticeText, written } from "../texts.ts";

const MAX_TITLE = 256;
const MAX_DESCRIPTION = 4096;
const RED = 0xd83c3e;
const AMBER = 0xf0b132;
const GREEN = 0x23a55a;
const GREY = 0x80848e;

/** Opens it. Secrets: `url` (the whole webhook), `thread` (the id of one in its channel). */
export function openChannel(settings: ChannelSettings, surroundings: Surroundings): Channel {
  return httpChannel(settings, surroundings, {
    // A webhook may be sent 30 a minute.
    rate: { burst: 5, perMinute: 30 },
    deliver: async (message, ask) => {
      const url = urlOf(settings);
      // Only then the answer says whether the message was made.
      url.searchParams.set("wait", "true");
      const { thread } = settings.secrets;
      if (thread !== undefined) url.searchParams.set("thread_id", thread);
      return judge(await ask(postJson(url, posted(message))), surroundings.now());
    },
  });
}

function posted(message: Message): Record<string, unknown> {
  const embed = written(message, {
    write: embedOf,
    fits: ({ title, description }) =>
      title.length <= MAX_TITLE && description.length <= MAX_DESCRIPTION,
  });
  const { content } = message;
  const color = isOver(content)
    ? GREEN
    : content.kind === "test"
    ? GREY
    : severityOf(content) === "high"
    ? RED
    : AMBER;
  return {
    embeds: [{ ...embed, color, timestamp: new Date(content.at).toISOString() }],
    allowed_mentions: { parse: [] },
  };
}

function embedOf({ title, lines, link }: NoticeText) {
  return {
    title: escape(title),
    description: lines.map(({ text, verbatim }) => verbatim ? code(text) : escape(text))
      .join("\n"),
    ...(link !== null && { url: link.url }),
  };
}

/** Every mark of its Markdown, and what begins a mention, an emoji or a link. */
function escape(text: string): string {
  return text.replace(/[\\*_~`|>#\-+[\]()<@:&]/g, "\\$&").replace(/^(\d+)\./, "$1\\.");
}

/** In a block nothing is marked up; only its own fence could end it. */
function code(text: string): string {
  return `\`\`\`\n${text.replaceAll("`", "ˋ")}\n\`\`\``;
}

function judge(answer: Answer, now: number): Outcome {
  if (answer.status !== 429) return outcomeOf(answer, { now });
  const general = outcomeOf(answer, { now });
  // The body has fractions of a second, which the header leaves out; behind Cloudflare's own
  // limit there is only the header.
  const retryAfterMs = waitOf(jsonOf(answer).retry_after, 1000) ??
    (general.result === "delivered" ? null : general.retryAfterMs);
  return undelivered("retry", answer, { cause: "limited", retryAfterMs });
}
