/**
 * A Matrix room, unencrypted, with an access token. The transaction id is the message's: a home
 * server that has it already makes no second event.
 *
 * @module
 */

import type { Channel, ChannelSettings, Message, Outcome, Surroundings } from "../channel.ts";
import type { Answer } from "../exchange.ts";
import { type Ask, below, httpChannel, secretOf, urlOf } from "../http_channel.ts";
import { jsonOf, outcomeOf, undelivered, waitOf } from "../outcome.ts";
import { type NoticeText, written } from "../texts.ts";

/** A whole event may have 65,536 bytes, with what the server adds. */
const MAX_EVENT = 48_000;

const API = "_matrix/client/v3";

/** Opens it. Secrets: `url` (the home server), `token`, `room` (`!id` or `#alias`). */
export function openChannel(settings: ChannelSettings, surroundings: Surroundings): Channel {
  // The room behind the alias, which is asked for once.
  let known: string | null = null;
  return httpChannel(settings, surroundings, {
    rate: { burst: 5, perMinute: 12 },
    deliver: async (message, ask) => {
      const room = known ?? await roomOf(settings, ask);
      if (typeof room !== "string") return judge(room, surroundings.now());
      known = room;
      const path = `${API}/rooms/${encodeURIComponent(room)}/send/m.room.message/` +
        encodeURIComponent(message.id);
      const answer = await ask({
        method: "PUT",
        url: below(urlOf(settings), path),
        headers: { ...authorization(settings), "content-type": "application/json" },
        body: event(message),
      });
      // An alias may lead to another room by now.
      if (answer.status >= 400) known = null;
      return judge(answer, surroundings.now());
    },
  });
}

/** The room's id, or the answer that does not have it. */
async function roomOf(settings: ChannelSettings, ask: Ask): Promise<string | Answer> {
  const room = secretOf(settings, "room");
  if (!room.startsWith("#")) return room;
  const answer = await ask({
    method: "GET",
    url: below(urlOf(settings), `${API}/directory/room/${encodeURIComponent(room)}`),
    headers: authorization(settings),
  });
  const { room_id } = jsonOf(answer);
  return answer.status === 200 && typeof room_id === "string"
    ? room_id
    : { ...answer, status: answer.status === 200 ? 502 : answer.status };
}

function authorization(settings: ChannelSettings): Record<string, string> {
  return { authorization: `Bearer ${secretOf(settings, "token")}` };
}

function event(message: Message): string {
  return written(message, {
    write: (text) =>
      JSON.stringify({
        msgtype: "m.text",
        body: plain(text),
        format: "org.matrix.custom.html",
        formatted_body: html(text),
        // Says that nobody is meant, whatever names stand in it.
        "m.mentions": {},
      }),
    fits: (body) => new TextEncoder().encode(body).length <= MAX_EVENT,
  });
}

function plain({ title, lines, link }: NoticeText): string {
  const texts = [title, ...lines.map(({ text }) => text), ...(link === null ? [] : [link.url])];
  // For clients and servers that look for names and @room in the text itself.
  return texts.join("\n").replaceAll("@", "@\u2060");
}

function html({ title, lines, link }: NoticeText): string {
  return [
    `<strong>${escape(title)}</strong>`,
    ...lines.map(({ text, verbatim }) => verbatim ? `<code>${escape(text)}</code>` : escape(text)),
    ...(link === null ? [] : [`<a href="${escape(link.url)}">${escape(link.label)}</a>`]),
  ].join("<br>");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function judge(answer: Answer, now: number): Outcome {
  const general = outcomeOf(answer, { now });
  if (answer.status !== 429 || general.result === "delivered") return general;
  // The header came later than the field, which older servers have alone.
  const retryAfterMs = general.retryAfterMs ?? waitOf(jsonOf(answer).retry_after_ms, 1);
  return undelivered("retry", answer, { cause: "limited", retryAfterMs });
}
