/**
 * What an answer, or none, means for a message: the rules that all receivers share. Must not let
 * through what nobody is shown: neither secrets nor more than a few characters of an answer.
 *
 * @module
 */

import { clip, escapeControls } from "../text.ts";
import type { ChannelSecrets, Outcome, OutcomeCause } from "./channel.ts";
import { DialError } from "./dial.ts";
import type { Answer } from "./exchange.ts";

/** So much of an answer is shown, in UTF-16 units, escapes included. */
const MAX_ANSWER = 200;

/** Shorter parts of an address say nothing and stand in every other answer. */
const MIN_SECRET = 4;

/** A message that arrived. */
export function delivered(answer: Answer): Outcome {
  return { result: "delivered", status: answer.status, answer: answer.body };
}

/** A message that did not arrive, though the receiver answered. */
export function undelivered(
  result: "retry" | "broken" | "gone",
  answer: Answer,
  options: { readonly cause?: OutcomeCause; readonly retryAfterMs?: number | null } = {},
): Outcome {
  return {
    result,
    status: answer.status,
    answer: answer.body,
    cause: options.cause ?? "answer",
    retryAfterMs: options.retryAfterMs ?? null,
  };
}

/** What an answer means where the receiver's own rules say nothing else. */
export function outcomeOf(answer: Answer, options: { readonly now: number }): Outcome {
  const { status } = answer;
  const retryAfterMs = retryAfterOf(answer.headers, options);
  if (status < 300) return delivered(answer);
  if (status === 410) return undelivered("gone", answer);
  if (status === 401 || status === 403 || status === 404) return undelivered("broken", answer);
  if (status === 429) return undelivered("retry", answer, { cause: "limited", retryAfterMs });
  // Moved for good: the address is not the receiver's any more. The others may pass, as when
  // somebody maintains it.
  if (status === 301 || status === 308) {
    return undelivered("broken", answer, { cause: "redirect" });
  }
  if (status < 400) return undelivered("retry", answer, { cause: "redirect", retryAfterMs });
  return undelivered("retry", answer, { retryAfterMs });
}

/** What it means that there was no answer. Rethrows whatever is not the network's fault. */
export function outcomeWithoutAnswer(error: unknown): Outcome {
  if (!(error instanceof DialError)) throw error;
  const forGood = error.why === "address" || error.why === "settings";
  return {
    result: forGood ? "broken" : "retry",
    status: null,
    answer: error.message,
    cause: error.why,
    retryAfterMs: null,
  };
}

/** `Retry-After` in milliseconds from now, or null without a valid one. */
function retryAfterOf(headers: Headers, options: { readonly now: number }): number | null {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,9}(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const at = /[A-Za-z]/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - options.now);
}

/** A number of `unit` milliseconds found in an answer's JSON, as milliseconds; else null. */
export function waitOf(value: unknown, unit: number): number | null {
  return typeof value === "number" && value >= 0 && Number.isFinite(value)
    ? Math.ceil(value * unit)
    : null;
}

/** The object an answer's body is, or an empty one. */
export function jsonOf(answer: Answer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(answer.body);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Proxies in between answer in HTML.
  }
  return {};
}

/** The outcome as it may be shown and kept: no secrets, bounded, escaped. */
export function presentable(outcome: Outcome, secrets: ChannelSecrets): Outcome {
  return { ...outcome, answer: excerpt(outcome.answer, secrets) };
}

function excerpt(text: string, secrets: ChannelSecrets): string {
  let shown = text;
  for (const part of secretParts(secrets)) shown = shown.replaceAll(part, "***");
  return clip(escapeControls(shown.trim().toWellFormed()), MAX_ANSWER);
}

/** Every form in which a secret could come back, longest first. */
function secretParts(secrets: ChannelSecrets): string[] {
  const parts = new Set<string>();
  const add = (text: string) => {
    if (text.length < MIN_SECRET) return;
    parts.add(text);
    parts.add(encodeURIComponent(text));
    parts.add(JSON.stringify(text).slice(1, -1));
    try {
      parts.add(decodeURIComponent(text));
    } catch {
      // It was not encoded.
    }
  };
  for (const value of Object.values(secrets)) {
    add(value);
    const url = URL.parse(value);
    if (url !== null && /^https?:$/.test(url.protocol)) {
      add(url.pathname);
      for (const segment of url.pathname.split("/")) add(segment);
      for (const parameter of url.searchParams.values()) add(parameter);
    }
    for (const word of value.split(/[ ,]+/)) add(word);
    add(base64(value));
    const pair = basicPair(value);
    if (pair !== null) add(pair.slice(pair.indexOf(":") + 1));
  }
  // As SMTP's AUTH PLAIN has them.
  if (secrets.password !== undefined) add(base64(`\0${secrets.user}\0${secrets.password}`));
  return [...parts].sort((a, b) => b.length - a.length);
}

function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

/** `user:password` of a Basic authorization. */
function basicPair(value: string): string | null {
  if (!value.startsWith("Basic ")) return null;
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(value.slice("Basic ".length)));
  } catch {
    return null;
  }
}
