/**
 * URLs of receivers that take HTTP as it is: `https://…`, of which those of known services are
 * recognized, and the forms in which Apprise and Shoutrrr post to anything.
 *
 * @module
 */

import { hasControls } from "../../text.ts";
import type { ChannelSettings } from "../channel.ts";
import { discordOf, slackOf, takeTelegram } from "./chat.ts";
import { basic, ChannelUrlError, type GivenUrl, httpUrl, option, yes } from "./given_url.ts";
import { takeNtfy } from "./push.ts";

const HINT = "write https://HOST/PATH";

/** `http[s]://…`: a service that is known by its host, else a webhook. */
export function takeHttp(text: string, given: GivenUrl): ChannelSettings {
  const url = URL.parse(text.trim());
  if (url === null || url.hostname === "") {
    throw new ChannelUrlError("its host can't be one", HINT);
  }
  const host = url.hostname;
  const [first, second, third, fourth, fifth] = given.segments;
  if (/^(?:(?:canary|ptb)\.)?discord(?:app)?\.com$/.test(host) && first === "api") {
    // api/webhooks/ID/TOKEN, or with a version after api.
    const [id, token] = second === "webhooks" ? [third, fourth] : [fourth, fifth];
    return discordOf(id, token, option(given, "thread_id"));
  }
  if (host === "hooks.slack.com" && first === "services") {
    return slackOf(given.segments.slice(1));
  }
  if (host === "ntfy.sh" && given.segments.length === 1) return takeNtfy(given);
  if (host === "api.telegram.org" && /^bot/.test(first ?? "")) {
    const chat = option(given, "chat_id");
    return takeTelegram({
      ...given,
      authority: first!,
      segments: chat === undefined ? [] : [chat],
    });
  }
  return webhook(url, { given, form: "standard" });
}

/** `json[s]://[user:password@]host[:port]/path[?+Header=value&-parameter=value]`, as in Apprise. */
export function takeJson(given: GivenUrl): ChannelSettings {
  const url = httpUrl(
    { secure: given.scheme === "jsons", authority: given.authority, segments: given.segments },
    HINT,
  );
  const headers: [string, string][] = [];
  for (const [name, value] of given.options) {
    if (name.startsWith("+")) headers.push([name.slice(1), value]);
    if (name.startsWith("-")) url.searchParams.set(name.slice(1), value);
  }
  return webhook(url, { given, form: "apprise", headers });
}

/** Options of Shoutrrr's own; all others belong to the receiver's URL. */
const SHOUTRRR: ReadonlySet<string> = new Set([
  "contenttype",
  "disabletls",
  "messagekey",
  "method",
  "requestmethod",
  "template",
  "title",
  "titlekey",
]);

/** `generic://host/path`, `generic+https://host/path[?@Header=value]`, as in Shoutrrr. */
export function takeGeneric(given: GivenUrl): ChannelSettings {
  const named = given.scheme.split("+")[1];
  const secure = named === undefined ? !yes(given, "disabletls") : named === "https";
  const url = httpUrl(
    { secure, authority: given.authority, segments: given.segments },
    HINT,
  );
  const headers: [string, string][] = [];
  for (const [name, value] of given.options) {
    // Here a plus does stand for a space.
    if (name.startsWith("@")) headers.push([name.slice(1), value.replaceAll("+", " ")]);
    else if (!/^\$/.test(name) && !SHOUTRRR.has(name)) url.searchParams.set(name, value);
  }
  const json = option(given, "template")?.toLowerCase() === "json";
  return webhook(url, { given, form: json ? "apprise" : "text", headers });
}

function webhook(
  url: URL,
  options: { given: GivenUrl; form: string; headers?: readonly [string, string][] },
): ChannelSettings {
  const { user, password } = options.given;
  url.username = "";
  url.password = "";
  url.hash = "";
  const secrets: Record<string, string> = { url: url.href };
  if (user !== null) secrets.authorization = basic(user, password ?? "");
  for (const [name, value] of options.headers ?? []) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || hasControls(value)) {
      throw new ChannelUrlError("a header of it has characters that none may have", HINT);
    }
    if (name.toLowerCase() === "authorization") secrets.authorization = value;
    else secrets[`header:${name}`] = value;
  }
  return { type: "webhook", config: { origin: url.origin, form: options.form }, secrets };
}
