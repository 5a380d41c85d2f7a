/**
 * URLs of Discord, Slack, Mattermost, Telegram and Matrix.
 *
 * @module
 */

import type { ChannelSettings } from "../channel.ts";
import { ChannelUrlError, type GivenUrl, httpUrl, onlyOne, option, yes } from "./given_url.ts";

const DISCORD_HINT = "write discord://WEBHOOK_ID/WEBHOOK_TOKEN, or the webhook's https URL";
const SLACK_HINT =
  "write slack://T…/B…/TOKEN, slack://xoxb-TOKEN/CHANNEL, or the webhook's https URL";
const MATTERMOST_HINT = "write mmosts://HOST/TOKEN";
const TELEGRAM_HINT = "write tgram://BOT_TOKEN/CHAT_ID";
const MATRIX_HINT = "write matrixs://ACCESS_TOKEN@HOST/!ROOM:SERVER, or …/%23ALIAS:SERVER";

/** Where Mattermost listens without encryption. */
const MATTERMOST_PORT = 8065;

/** `discord://id/token` as in Apprise, `discord://token@id` as in Shoutrrr. */
export function takeDiscord(given: GivenUrl): ChannelSettings {
  const [id, token] = given.segments.length === 0
    ? [given.authority, given.user]
    : [given.authority, given.segments[0]];
  const thread = option(given, "thread", "thread_id");
  return discordOf(id, token, thread);
}

/** A Discord channel from its webhook's id and token. Throws `ChannelUrlError`. */
export function discordOf(
  id: string | undefined,
  token: string | null | undefined,
  thread?: string,
): ChannelSettings {
  if (!/^\d{1,20}$/.test(id ?? "") || !/^[\w-]+$/.test(token ?? "")) {
    throw new ChannelUrlError("it is not a webhook's id and token", DISCORD_HINT);
  }
  if (thread !== undefined && !/^\d{1,20}$/.test(thread)) {
    throw new ChannelUrlError("its thread is not an id", DISCORD_HINT);
  }
  return {
    type: "discord",
    config: { origin: "https://discord.com" },
    secrets: {
      url: `https://discord.com/api/webhooks/${id}/${token}`,
      ...(thread !== undefined && { thread }),
    },
  };
}

/**
 * `slack://[bot@]T…/B…/token` and `slack://xoxb-…/channel` as in Apprise, `slack://hook:A-B-C@…`
 * and `slack://xoxb:…@channel` as in Shoutrrr.
 */
export function takeSlack(given: GivenUrl): ChannelSettings {
  if (given.user === "hook" && given.password !== null) {
    return slackOf(given.password.split("-"));
  }
  if (/^xox[a-z]$/.test(given.user ?? "") && given.password !== null) {
    return slackBot(`${given.user}-${given.password}`, [given.authority]);
  }
  if (/^xox[a-z]-/.test(given.authority)) return slackBot(given.authority, given.segments);
  return slackOf([given.authority, ...given.segments.slice(0, 2)]);
}

/** A Slack channel from the three parts of its webhook. Throws `ChannelUrlError`. */
export function slackOf(parts: readonly string[]): ChannelSettings {
  if (parts.length !== 3 || !parts.every((part) => /^[A-Za-z0-9]+$/.test(part))) {
    throw new ChannelUrlError("it is not the three parts of a webhook", SLACK_HINT);
  }
  return {
    type: "slack",
    config: { origin: "https://hooks.slack.com", form: "webhook" },
    secrets: { url: `https://hooks.slack.com/services/${parts.join("/")}` },
  };
}

function slackBot(token: string, channels: readonly string[]): ChannelSettings {
  if (!/^xox[a-z]-[\w-]+$/.test(token)) {
    throw new ChannelUrlError("its token can't be one", SLACK_HINT);
  }
  const channel = onlyOne(channels.filter(Boolean), { what: "channel", hint: SLACK_HINT });
  return {
    type: "slack",
    config: { origin: "https://slack.com", form: "bot" },
    secrets: { url: "https://slack.com/api/chat.postMessage", token, channel },
  };
}

/**
 * `mmost[s]://[bot@]host[:port][/path]/token` as in Apprise, where the channel is an option,
 * `mattermost://[bot@]host[:port]/token[/channel]` as in Shoutrrr.
 */
export function takeMattermost(given: GivenUrl): ChannelSettings {
  const shoutrrr = given.scheme === "mattermost";
  const secure = shoutrrr ? !yes(given, "disabletls") : given.scheme === "mmosts";
  const segments = shoutrrr ? given.segments.slice(0, 1) : given.segments;
  const token = segments.at(-1);
  if (!/^[A-Za-z0-9]+$/.test(token ?? "")) {
    throw new ChannelUrlError("it names no token", MATTERMOST_HINT);
  }
  const authority = secure || shoutrrr || /:\d+$/.test(given.authority)
    ? given.authority
    : `${given.authority}:${MATTERMOST_PORT}`;
  const url = httpUrl(
    { secure, authority, segments: [...segments.slice(0, -1), "hooks", token!] },
    MATTERMOST_HINT,
  );
  const channel = (shoutrrr ? given.segments[1] : option(given, "channel", "to"))
    ?.replace(/^#/, "");
  return {
    type: "mattermost",
    config: { origin: url.origin },
    secrets: {
      url: url.href,
      ...(channel !== undefined && { channel }),
      ...(given.user !== null && { username: given.user }),
    },
  };
}

/**
 * `tgram://token/chat` as in Apprise, `telegram://token@telegram?chats=…` as in Shoutrrr; a chat
 * may be followed by a topic, `chat:topic`.
 */
export function takeTelegram(given: GivenUrl): ChannelSettings {
  const shoutrrr = option(given, "chats", "channels");
  const token = shoutrrr === undefined
    ? given.authority
    : [given.user, given.password].filter((part) => part !== null).join(":");
  const bare = token.replace(/^bot/, "");
  if (!/^\d+:[\w-]+$/.test(bare)) {
    throw new ChannelUrlError("its bot's token can't be one", TELEGRAM_HINT);
  }
  const chat = onlyOne(shoutrrr?.split(",") ?? given.segments, {
    what: "chat",
    hint: TELEGRAM_HINT,
  });
  const [, name, topic] = /^(-?\d+|@?[A-Za-z]\w{3,})(?::(\d+))?$/.exec(chat) ?? [];
  if (name === undefined) {
    throw new ChannelUrlError("its chat is neither an id nor a name", TELEGRAM_HINT);
  }
  const thread = topic ?? option(given, "topic", "thread");
  if (thread !== undefined && !/^\d+$/.test(thread)) {
    throw new ChannelUrlError("its topic is not an id", TELEGRAM_HINT);
  }
  return {
    type: "telegram",
    config: { origin: "https://api.telegram.org" },
    secrets: {
      url: "https://api.telegram.org/",
      token: bare,
      chat: /^[A-Za-z]/.test(name) ? `@${name}` : name,
      ...(thread !== undefined && { thread }),
    },
  };
}

/**
 * `matrix[s]://token@host[:port]/room` as in Apprise, `matrix://:token@host[:port]/?rooms=…` as in
 * Shoutrrr. No passwords: a login would make a device on every start.
 */
export function takeMatrix(given: GivenUrl): ChannelSettings {
  const { user, password } = given;
  if (option(given, "mode") !== undefined && option(given, "mode") !== "off") {
    throw new ChannelUrlError("it is of a webhook bridge, not of a home server", MATRIX_HINT);
  }
  if (user !== null && user !== "" && password !== null) {
    throw new ChannelUrlError(
      "it has a password, and an access token is needed",
      `make an access token for that account: ${MATRIX_HINT}`,
    );
  }
  const token = user === "" ? password : user ?? option(given, "token");
  if (token === undefined || token === null || token === "") {
    throw new ChannelUrlError("it has no access token", MATRIX_HINT);
  }
  const shoutrrr = user === "";
  const secure = shoutrrr ? !yes(given, "disabletls") : given.scheme === "matrixs";
  const url = httpUrl({ secure, authority: given.authority, segments: [] }, MATRIX_HINT);
  const rooms = option(given, "rooms", "room")?.split(",") ?? given.segments;
  const room = onlyOne(rooms, { what: "room", hint: MATRIX_HINT });
  return {
    type: "matrix",
    config: { origin: url.origin },
    secrets: { url: url.href, token, room: roomOf(room, url.hostname) },
  };
}

/** With its mark and its server. The newest rooms have ids without a server. */
function roomOf(room: string, server: string): string {
  if (room.startsWith("!")) return room;
  const alias = room.startsWith("#") ? room : `#${room}`;
  return alias.includes(":") ? alias : `${alias}:${server}`;
}
