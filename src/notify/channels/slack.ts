/**
 * Slack: an incoming webhook, or a bot's token and a channel. Blocks of plain text, which nothing
 * can be marked up in and nobody pinged from.
 *
 * @module
 */

import type { Channel, ChannelSettings, Message, Outcome, Surroundings } from "../channel.ts";
import type { Answer } from "../exchange.ts";
import { httpChannel, postJson, secretOf, urlOf } from "../http_channel.ts";
import { delivered, jsonOf, outcomeOf, undelivered } from "../outcome.ts";
import { type NoticeText, written } from "../texts.ts";

const MAX_HEADER = 150;
const MAX_SECTION = 3000;
const MAX_BLOCKS = 50;

/** Errors of a bot's call that no later call would not get. */
const FOR_GOOD: ReadonlySet<unknown> = new Set([
  "not_authed",
  "invalid_auth",
  "account_inactive",
  "token_revoked",
  "token_expired",
  "no_permission",
  "missing_scope",
  "access_denied",
  "channel_not_found",
  "not_in_channel",
  "is_archived",
  "restricted_action",
]);

/**
 * Opens it. Secrets: `url` (the whole webhook, or for a bot the method's), for a bot `token` and
 * `channel`. Forms: `webhook` (the default), `bot`.
 */
export function openChannel(settings: ChannelSettings, surroundings: Surroundings): Channel {
  const bot = settings.config.form === "bot";
  return httpChannel(settings, surroundings, {
    // One a second, with short bursts.
    rate: { burst: 5, perMinute: 50 },
    deliver: async (message, ask) => {
      const body = posted(message);
      const now = surroundings.now;
      if (!bot) return outcomeOf(await ask(postJson(urlOf(settings), body)), { now: now() });
      const headers = { authorization: `Bearer ${secretOf(settings, "token")}` };
      const channel = secretOf(settings, "channel");
      return judgeCall(
        await ask(postJson(urlOf(settings), { channel, ...body }, headers)),
        now(),
      );
    },
  });
}

function posted(message: Message): Record<string, unknown> {
  const { title, blocks } = written(message, {
    write: (text) => ({ title: text.title, ...blocksOf(text) }),
    fits: ({ title, blocks, longest }) =>
      title.length <= MAX_HEADER && blocks.length <= MAX_BLOCKS && longest <= MAX_SECTION,
  });
  // The text is what a telephone shows, in Slack's own markup.
  return { text: escape(title), blocks, unfurl_links: false, unfurl_media: false };
}

/** The blocks, and how long the longest text in them is. */
function blocksOf({ title, lines, link }: NoticeText): { blocks: unknown[]; longest: number } {
  const blocks: unknown[] = [{ type: "header", text: plain(title) }];
  let paragraph: string[] = [];
  let longest = 0;
  const flush = () => {
    if (paragraph.length === 0) return;
    const text = paragraph.join("\n");
    longest = Math.max(longest, text.length);
    blocks.push({ type: "section", text: plain(text) });
    paragraph = [];
  };
  for (const { text, verbatim } of lines) {
    if (!verbatim) {
      paragraph.push(text);
      continue;
    }
    flush();
    longest = Math.max(longest, text.length);
    blocks.push(preformatted(text));
  }
  flush();
  if (link !== null) {
    const text = `<${link.url.replaceAll("&", "&amp;").replaceAll("|", "%7C")}|${link.label}>`;
    blocks.push({ type: "section", text: { type: "mrkdwn", text } });
  }
  return { blocks, longest };
}

function plain(text: string): Record<string, unknown> {
  return { type: "plain_text", text, emoji: false };
}

function preformatted(text: string): Record<string, unknown> {
  const element = { type: "rich_text_preformatted", elements: [{ type: "text", text }] };
  return { type: "rich_text", elements: [element] };
}

/** The three characters that its markup is made of. */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** A method answers 200 whether or not it did anything. */
function judgeCall(answer: Answer, now: number): Outcome {
  if (answer.status !== 200) return outcomeOf(answer, { now });
  const { ok, error } = jsonOf(answer);
  if (ok === true) return delivered(answer);
  return undelivered(FOR_GOOD.has(error) ? "broken" : "retry", answer);
}
