/**
 * Servers that are shaped like Discord, Slack, Mattermost, Telegram and Matrix: what their
 * documentation asks of a request, their limits, and the errors that it documents.
 *
 * @module
 */

import { json, type Received, Receiver } from "./receiver.ts";

/** An embed as Discord shows it. */
export interface Embed {
  readonly title: string;
  readonly description: string;
  readonly url?: string;
  readonly color: number;
  readonly timestamp: string;
}

/** One Discord webhook. */
export class DiscordServer extends Receiver {
  readonly embeds: Embed[] = [];
  /** The threads that messages went to, by their ids. */
  readonly threads: (string | null)[] = [];
  /** Path of the webhook. */
  readonly path: string;

  constructor(id: string, token: string) {
    super((received) => this.#execute(received));
    this.path = `/api/webhooks/${id}/${token}`;
  }

  #execute({ method, url, headers, body }: Received): Response {
    if (url.pathname !== this.path) return json({ message: "Unknown Webhook", code: 10015 }, 404);
    if (method !== "POST" || headers.get("content-type") !== "application/json") {
      return json({ message: "Cannot send an empty message", code: 50006 }, 400);
    }
    const { embeds, allowed_mentions, content } = JSON.parse(body);
    const [embed]: Embed[] = embeds;
    const invalid = embed === undefined || embed.title.length > 256 ||
      embed.description.length > 4096 ||
      embed.title.length + embed.description.length > 6000 || !embed.description ||
      Number.isNaN(Date.parse(embed.timestamp)) || content !== undefined;
    // Without this whatever stands in the text is looked for names.
    const pings = !Array.isArray(allowed_mentions?.parse) || allowed_mentions.parse.length > 0;
    if (invalid || pings) {
      return json({ message: "Invalid Form Body", code: 50035, errors: {} }, 400);
    }
    this.embeds.push(embed);
    this.threads.push(url.searchParams.get("thread_id"));
    // Without `wait` it does not say whether it made the message.
    if (url.searchParams.get("wait") !== "true") return new Response(null, { status: 204 });
    return json({ id: "1", type: 0, content: "", embeds });
  }
}

/** Discord's way of saying when. */
export const DISCORD_LIMITED = (): Response =>
  json(
    { message: "You are being rate limited.", retry_after: 1.25, global: false },
    429,
    { "retry-after": "2", "x-ratelimit-limit": "5", "x-ratelimit-remaining": "0" },
  );

/** A block as Slack shows it. */
export interface SlackBlock {
  readonly type: string;
  // deno-lint-ignore no-explicit-any -- as they are
  readonly [field: string]: any;
}

/** One incoming webhook of Slack, and one bot. */
export class SlackServer extends Receiver {
  readonly messages: { text: string; blocks: SlackBlock[]; channel?: string }[] = [];

  constructor(secrets: { path: string; token: string; channel: string }) {
    super(({ method, url, headers, body }) => {
      const bot = url.pathname === "/api/chat.postMessage";
      if (!bot && url.pathname !== secrets.path) return new Response("no_service", { status: 404 });
      if (method !== "POST") return new Response("invalid_payload", { status: 400 });
      const sent = JSON.parse(body);
      if (bot) {
        if (headers.get("authorization") !== `Bearer ${secrets.token}`) {
          return json({ ok: false, error: "invalid_auth" });
        }
        if (sent.channel !== secrets.channel) {
          return json({ ok: false, error: "channel_not_found" });
        }
      }
      if (!isSlackMessage(sent)) {
        return bot
          ? json({ ok: false, error: "invalid_blocks" })
          : new Response("invalid_blocks", { status: 400 });
      }
      this.messages.push(sent);
      return bot ? json({ ok: true, ts: "1503435956.000247" }) : new Response("ok");
    });
  }
}

function isSlackMessage({ text, blocks }: { text: unknown; blocks: SlackBlock[] }): boolean {
  if (typeof text !== "string" || /[<>]/.test(text)) return false;
  if (!Array.isArray(blocks) || blocks.length === 0 || blocks.length > 50) return false;
  return blocks.every(({ type, text, elements }) => {
    const short = (max: number) => text.text.length > 0 && text.text.length <= max;
    if (type === "header") return text.type === "plain_text" && short(150);
    if (type === "section") {
      // In its own markup stands nothing but a link.
      return short(3000) &&
        (text.type === "plain_text" || /^<https?:[^<>|]+\|[^<>|&]+>$/.test(text.text));
    }
    if (type !== "rich_text" || elements.length !== 1) return false;
    const [preformatted] = elements;
    return preformatted.type === "rich_text_preformatted" &&
      preformatted.elements.every((part: { type: string }) => part.type === "text");
  });
}

/** Slack's way of saying when. */
export const SLACK_LIMITED = (): Response =>
  new Response("rate_limited", { status: 429, headers: { "retry-after": "30" } });

/** One incoming webhook of Mattermost. */
export class MattermostServer extends Receiver {
  readonly posts: { text: string; channel?: string; username?: string }[] = [];

  constructor(token: string) {
    super(({ method, target, body }) => {
      const fail = (id: string, status_code: number) =>
        json({ id, message: "Invalid webhook.", detailed_error: "", status_code }, status_code);
      if (method !== "POST" || target !== `/hooks/${token}`) {
        return fail("web.incoming_webhook.invalid.app_error", 400);
      }
      const post = JSON.parse(body);
      if (typeof post.text !== "string" || post.text === "" || [...post.text].length > 16_383) {
        return fail("web.incoming_webhook.text.app_error", 400);
      }
      this.posts.push(post);
      return new Response("ok");
    });
  }
}

/** What Telegram shows. */
export interface TelegramMessage {
  readonly chat_id: string;
  readonly message_thread_id?: number;
  /** As it was sent. */
  readonly html: string;
  /** What people read. */
  readonly text: string;
}

/** A bot in one chat. */
export class TelegramServer extends Receiver {
  readonly messages: TelegramMessage[] = [];

  constructor(token: string, chat: string) {
    super(({ method, target, body }) => {
      const fail = (error_code: number, description: string) =>
        json({ ok: false, error_code, description }, error_code);
      if (!target.startsWith("/bot")) return fail(404, "Not Found");
      if (!target.startsWith(`/bot${token}/`)) return fail(401, "Unauthorized");
      if (method !== "POST" || target !== `/bot${token}/sendMessage`) return fail(404, "Not Found");
      const sent = JSON.parse(body);
      if (sent.chat_id !== chat) return fail(400, "Bad Request: chat not found");
      if (sent.parse_mode !== "HTML") return fail(400, "Bad Request: unsupported parse_mode");
      const text = textOfTelegram(sent.text);
      if (text === null) return fail(400, "Bad Request: can't parse entities");
      if (text.trim() === "") return fail(400, "Bad Request: message text is empty");
      if (text.length > 4096) return fail(400, "Bad Request: message is too long");
      this.messages.push({ ...sent, html: sent.text, text });
      return json({ ok: true, result: { message_id: this.messages.length } });
    });
  }
}

/** The text without its markup, or null where Telegram could not make sense of that. */
function textOfTelegram(html: string): string | null {
  const open: string[] = [];
  let text = "";
  for (const [part] of html.matchAll(/<[^>]*>?|&[^;\s]*;?|[^<&]+/g)) {
    if (part.startsWith("<")) {
      const [, closing, name, attributes] =
        /^<(\/?)([a-z]+)((?: [a-z]+="[^"<>]*")*)>$/.exec(part) ??
          [];
      if (name === undefined || !["b", "i", "code", "pre", "a"].includes(name)) return null;
      if (attributes !== "" && name !== "a") return null;
      if (closing === "") open.push(name);
      else if (open.pop() !== name) return null;
    } else if (part.startsWith("&")) {
      const entities: Record<string, string> = {
        "&amp;": "&",
        "&lt;": "<",
        "&gt;": ">",
        "&quot;": '"',
      };
      if (entities[part] === undefined) return null;
      text += entities[part];
    } else text += part;
  }
  return open.length === 0 ? text : null;
}

/** Telegram's way of saying when. */
export const TELEGRAM_LIMITED = (): Response =>
  json({
    ok: false,
    error_code: 429,
    description: "Too Many Requests: retry after 35",
    parameters: { retry_after: 35 },
  }, 429);

/** An event as a room has it. */
export interface MatrixEvent {
  readonly msgtype: string;
  readonly body: string;
  readonly format: string;
  readonly formatted_body: string;
  readonly "m.mentions": Readonly<Record<string, unknown>>;
}

/** A home server with one account and one room. */
export class MatrixServer extends Receiver {
  /** Events by transaction: one that was there before makes no second. */
  readonly events: Map<string, MatrixEvent> = new Map();

  constructor(secrets: { token: string; room: string; alias: string }) {
    super(({ method, url, headers, body }) => {
      const fail = (status: number, errcode: string, error: string) =>
        json({ errcode, error }, status);
      if (headers.get("authorization") !== `Bearer ${secrets.token}`) {
        return fail(401, "M_UNKNOWN_TOKEN", "Unrecognised access token");
      }
      const [, , version, ...path] = url.pathname.slice(1).split("/").map(decodeURIComponent);
      if (version !== "v3") return fail(404, "M_UNRECOGNIZED", "Unrecognized request");
      if (method === "GET" && path[0] === "directory" && path[1] === "room") {
        return path[2] === secrets.alias
          ? json({ room_id: secrets.room, servers: ["home.test"] })
          : fail(404, "M_NOT_FOUND", "Room alias not found");
      }
      const [rooms, room, send, type, transaction] = path;
      if (method !== "PUT" || rooms !== "rooms" || send !== "send" || type !== "m.room.message") {
        return fail(404, "M_UNRECOGNIZED", "Unrecognized request");
      }
      if (room !== secrets.room) return fail(403, "M_FORBIDDEN", "User not in room");
      if (new TextEncoder().encode(body).length > 65_000) {
        return fail(413, "M_TOO_LARGE", "event too large");
      }
      if (!this.events.has(transaction!)) this.events.set(transaction!, JSON.parse(body));
      return json({ event_id: `$${transaction}` });
    });
  }
}

/** Matrix's way of saying when, as older servers do. */
export const MATRIX_LIMITED = (): Response =>
  json({ errcode: "M_LIMIT_EXCEEDED", error: "Too Many Requests", retry_after_ms: 1500 }, 429);
