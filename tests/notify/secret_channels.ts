/**
 * A channel of each kind whose every secret holds the same word, and who looks for that word.
 *
 * @module
 */

import { assert } from "@std/assert";
import type { ChannelSettings } from "../../src/notify/channel.ts";

/** Stands in every secret below, in this form or in base64. */
export const SECRET = "S3CRETs3cret";

/** A channel of each kind, as people have them. Mail is not among them. */
export const URLS: readonly string[] = [
  `ntfys://user:${SECRET}@ntfy.test/topic${SECRET}`,
  `ntfys://tk_${SECRET}@ntfy.test/topic${SECRET}`,
  `gotifys://gotify.test/${SECRET}`,
  `discord://123456/${SECRET}`,
  `slack://T1/B2/${SECRET}`,
  `slack://xoxb-${SECRET}/general${SECRET}`,
  `mmosts://chat.test/${SECRET}`,
  `tgram://123456:${SECRET}/-100`,
  `matrixs://syt_${SECRET}@home.test/!${SECRET}:home.test`,
  `apprises://user:${SECRET}@apprise.test/${SECRET}`,
  `jsons://user:${SECRET}@host.test/${SECRET}?+X=${SECRET}&-p=${SECRET}`,
  `https://user:${SECRET}@host.test/${SECRET}?q=${SECRET}`,
];

/** The same channel, at a receiver on this machine. */
export function movedTo(origin: string, settings: ChannelSettings): ChannelSettings {
  const url = new URL(settings.secrets.url!);
  const { host, protocol } = new URL(origin);
  url.protocol = protocol;
  url.host = host;
  return {
    ...settings,
    config: { ...settings.config, allowLoopback: true },
    secrets: { ...settings.secrets, url: url.href },
  };
}

/** Fails where the word is in it, in any form in which it is sent. */
export function assertClean(text: string, about: string): void {
  // However what stands before it shifts it.
  const encoded = ["", "x", "xx"].map((before) => btoa(before + SECRET).slice(4, 14));
  for (const form of [SECRET, SECRET.toLowerCase(), "S3CR", ...encoded]) {
    const at = text.indexOf(form);
    assert(at < 0, `${about}: …${text.slice(Math.max(0, at - 100), at + 40)}…`);
  }
}
