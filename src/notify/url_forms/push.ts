/**
 * URLs of ntfy, Gotify and the Apprise API.
 *
 * @module
 */

import type { ChannelSettings } from "../channel.ts";
import {
  basic,
  ChannelUrlError,
  type GivenUrl,
  httpUrl,
  onlyOne,
  option,
  yes,
} from "./given_url.ts";

const NTFY_HINT = "write ntfys://[USER:PASSWORD@ or TOKEN@]HOST/TOPIC, or ntfy://TOPIC for ntfy.sh";
const GOTIFY_HINT = "write gotifys://HOST/TOKEN";
const APPRISE_HINT = "write apprises://HOST/KEY";

const NTFY_PRIORITIES: Readonly<Record<string, number>> = {
  min: 1,
  low: 2,
  default: 3,
  high: 4,
  max: 5,
  urgent: 5,
  emergency: 5,
};

/**
 * `ntfy[s]://[login@]host/topic`, `ntfy[s]://topic` (at ntfy.sh). As in Apprise, the `s` says
 * whether it is encrypted, unless Shoutrrr's `scheme` does.
 */
export function takeNtfy(given: GivenUrl): ChannelSettings {
  const cloud = given.segments.length === 0;
  const topic = onlyOne(cloud ? [given.authority].filter(Boolean) : given.segments, {
    what: "topic",
    hint: NTFY_HINT,
  });
  if (!/^[-\w]{1,64}$/.test(topic)) {
    throw new ChannelUrlError(
      "its topic can't be one: letters, digits, - and _, at most 64",
      NTFY_HINT,
    );
  }
  const authority = cloud ? "ntfy.sh" : given.authority;
  const scheme = option(given, "scheme");
  const secure = /^ntfy\.sh(?::443)?$/i.test(authority) ||
    (scheme === undefined ? given.scheme === "ntfys" : scheme === "https");
  const url = httpUrl({ secure, authority, segments: [] }, NTFY_HINT);
  const priority = ntfyPriority(option(given, "priority"));
  const authorization = ntfyLogin(given);
  return {
    type: "ntfy",
    config: { origin: url.origin, ...(priority !== undefined && { priority }) },
    secrets: {
      url: url.href,
      topic,
      ...(authorization !== undefined && { authorization }),
    },
  };
}

function ntfyLogin(given: GivenUrl): string | undefined {
  const { user, password } = given;
  const token = option(given, "token");
  if (token !== undefined) return `Bearer ${token}`;
  if (user === null) return undefined;
  if (user !== "" && password !== null) return basic(user, password);
  const alone = user === "" ? password ?? "" : user;
  if (alone === "") return undefined;
  if (user === "" || alone.startsWith("tk_") || option(given, "auth") === "token") {
    return `Bearer ${alone}`;
  }
  throw new ChannelUrlError("it names a user without a password", NTFY_HINT);
}

function ntfyPriority(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = NTFY_PRIORITIES[text.toLowerCase()] ?? Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 5) return number;
  throw new ChannelUrlError("its priority can't be one", "write priority=1 to 5, or min to max");
}

/**
 * `gotify[s]://host[:port][/path]/token`. As in Apprise, the `s` says whether it is encrypted,
 * unless Shoutrrr's `disableTLS` does.
 */
export function takeGotify(given: GivenUrl): ChannelSettings {
  const unencrypted = yes(given, "disabletls");
  const secure = unencrypted === undefined ? given.scheme === "gotifys" : !unencrypted;
  const token = given.segments.at(-1);
  if (token === undefined) throw new ChannelUrlError("it names no token", GOTIFY_HINT);
  const url = httpUrl(
    { secure, authority: given.authority, segments: given.segments.slice(0, -1) },
    GOTIFY_HINT,
  );
  const priority = gotifyPriority(option(given, "priority"));
  return {
    type: "gotify",
    config: { origin: url.origin, ...(priority !== undefined && { priority }) },
    secrets: { url: url.href, token },
  };
}

function gotifyPriority(text: string | undefined): number | undefined {
  // Apprise's words, of which it takes the first letter as well.
  const words: Readonly<Record<string, number>> = { l: 1, m: 3, n: 5, h: 8, e: 10 };
  if (text === undefined) return undefined;
  const number = words[text[0]!.toLowerCase()] ?? Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= 10) return number;
  throw new ChannelUrlError("its priority can't be one", "write priority=0 to 10");
}

/** `apprise[s]://[user:password@]host[:port][/path]/key[?tags=…]`. */
export function takeApprise(given: GivenUrl): ChannelSettings {
  const key = given.segments.at(-1);
  if (key === undefined) throw new ChannelUrlError("it names no key", APPRISE_HINT);
  const place = {
    secure: given.scheme === "apprises",
    authority: given.authority,
    segments: given.segments.slice(0, -1),
  };
  const url = httpUrl(place, APPRISE_HINT);
  const tag = option(given, "tags", "tag", "to");
  return {
    type: "apprise",
    config: { origin: url.origin },
    secrets: {
      url: url.href,
      key,
      ...(tag !== undefined && { tag }),
      ...(given.user !== null && { authorization: basic(given.user, given.password ?? "") }),
    },
  };
}
