/**
 * Takes in the URLs that people have of their receivers, in the forms of Apprise, of Shoutrrr and
 * of the receivers themselves, and parts what may be shown from what may not. Dials nothing.
 *
 * @module
 */

import type { ChannelSettings } from "./channel.ts";
import {
  takeDiscord,
  takeMatrix,
  takeMattermost,
  takeSlack,
  takeTelegram,
} from "./url_forms/chat.ts";
import { takeGeneric, takeHttp, takeJson } from "./url_forms/custom.ts";
import { ChannelUrlError, type GivenUrl, parseGivenUrl } from "./url_forms/given_url.ts";
import { takeMailto, takeSmtp } from "./url_forms/mail.ts";
import { takeApprise, takeGotify, takeNtfy } from "./url_forms/push.ts";

export { ChannelUrlError };

/** Longer than any receiver's URL. */
const MAX_URL = 4096;

const TAKERS: Readonly<Record<string, (given: GivenUrl) => ChannelSettings>> = {
  ntfy: takeNtfy,
  ntfys: takeNtfy,
  gotify: takeGotify,
  gotifys: takeGotify,
  apprise: takeApprise,
  apprises: takeApprise,
  discord: takeDiscord,
  slack: takeSlack,
  mmost: takeMattermost,
  mmosts: takeMattermost,
  mattermost: takeMattermost,
  tgram: takeTelegram,
  telegram: takeTelegram,
  matrix: takeMatrix,
  matrixs: takeMatrix,
  json: takeJson,
  jsons: takeJson,
  generic: takeGeneric,
  "generic+http": takeGeneric,
  "generic+https": takeGeneric,
  mailto: takeMailto,
  mailtos: takeMailto,
  smtp: takeSmtp,
  smtps: takeSmtp,
};

/** The schemes that are taken, in the order in which they are shown. */
export const CHANNEL_SCHEMES: readonly string[] = ["https", "http", ...Object.keys(TAKERS)];

/**
 * The channel that a URL stands for; its `config` may be shown, its `secrets` may not. Throws
 * {@linkcode ChannelUrlError}, whose texts hold nothing of the URL but its scheme.
 */
export function takeInUrl(text: string): ChannelSettings {
  if (text.length > MAX_URL) {
    throw new ChannelUrlError(`it is longer than ${MAX_URL} characters`, "is it the right text?");
  }
  const given = parseGivenUrl(text);
  if (given.scheme === "http" || given.scheme === "https") return takeHttp(text, given);
  if (Object.hasOwn(TAKERS, given.scheme)) return TAKERS[given.scheme]!(given);
  throw new ChannelUrlError(
    `the scheme ${JSON.stringify(given.scheme.slice(0, 32))} is not known`,
    `known are ${CHANNEL_SCHEMES.join(", ")}; others can be reached through an Apprise API ` +
      "server: apprises://HOST/KEY",
  );
}
