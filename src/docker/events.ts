/**
 * The Engine's event stream: lines of JSON in, container events out. Survives half lines, garbage
 * and foreign dialects; must not interpret events: they say which container to look at, no more.
 *
 * Where Podman's stream differs from Docker's:
 * - some actions have other names: {@linkcode PODMAN_ACTIONS}
 * - the health of a `health_status` event is in a field of its own, `HealthStatus`
 * - `init` and `cleanup` exist only there and pass as they are; `cleanup` follows each `die`
 *
 * @module
 */

import { storable } from "../text.ts";
import { CONTAINER_ID } from "./wire.ts";

/** Something happened to a container. */
export interface EngineEvent {
  /** Docker's name without what follows its colon: `start`, `die`, `health_status`, `exec_create`. */
  readonly action: string;
  /** Full id of the container. */
  readonly containerId: string;
  /** The container's name, empty when not told. */
  readonly name: string;
  /** `healthy`, `unhealthy`, `starting` with `health_status`, else null. */
  readonly health: string | null;
  /** Exit code with `die`, else null. */
  readonly exitCode: number | null;
  /** Number or name of the signal with `kill`; absent otherwise, and where it is not told. */
  readonly signal?: string;
  /** How long it ran with `die`, seconds; absent otherwise, and where it is not told. */
  readonly ranSeconds?: number;
  /** The Engine's own clock, milliseconds since the Unix epoch to the microsecond; null when not told. */
  readonly timeMs: number | null;
}

/** Podman's names of actions, and Docker's for the same. */
const PODMAN_ACTIONS: Readonly<Record<string, string>> = {
  died: "die",
  remove: "destroy",
  exec_died: "exec_die",
};

/** Longest line that is read, in UTF-16 units; an event with all its labels has a few thousand. */
export const MAX_EVENT_LINE: number = 1024 * 1024;

/** What happens to a network that changes a container: its addresses, and with them its ports. */
export const NETWORK_ACTIONS: ReadonlySet<string> = new Set(["connect", "disconnect"]);

// What a listing never shows: the like of `docker exec`, which health checks do every second.
const INERT = new Set([
  "archive-path",
  "attach",
  "commit",
  "copy",
  "detach",
  "exec",
  "exec_create",
  "exec_detach",
  "exec_die",
  "exec_start",
  "export",
  "extract-to-dir",
  // A signal was sent; if it ended the container, `die` follows.
  "kill",
  "mount",
  "prune",
  "resize",
  "sync",
  "top",
  "unmount",
]);

/** Whether a listing can look different after this action; unknown actions can. */
export function affectsListing(action: string): boolean {
  return !INERT.has(action);
}

/** How {@linkcode decodeEvents} reads. */
export interface DecodeEventsOptions {
  /** Called for each line that is no event, with why; the line is skipped. */
  readonly onGarbage?: ((why: string) => void) | undefined;
  /** Called for each line that is longer than {@linkcode MAX_EVENT_LINE}; it is skipped. */
  readonly onSkipped?: (() => void) | undefined;
}

/**
 * The container events in the body of `/events`, and those of networks that are about a container,
 * in its order, until it ends. What one container's labels do to a line must not end the stream for
 * all others, so a line that is too long is skipped. Throws whatever the chunks throw.
 */
export async function* decodeEvents(
  chunks: AsyncIterable<Uint8Array>,
  options: DecodeEventsOptions = {},
): AsyncGenerator<EngineEvent, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  let skipping = false;
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      const event = skipping ? null : decodeLine(rest + text.slice(start, end), options);
      skipping = false;
      rest = "";
      start = end + 1;
      if (event !== null) yield event;
    }
    if (skipping) continue;
    rest += text.slice(start);
    if (rest.length <= MAX_EVENT_LINE) continue;
    rest = "";
    skipping = true;
    options.onSkipped?.();
  }
  // A last line without its end was cut off: whoever reconnects lists everything anyway.
  if (rest.trim() !== "") options.onGarbage?.("the stream ended within a line");
}

function decodeLine(line: string, options: DecodeEventsOptions): EngineEvent | null {
  const trimmed = line.trim();
  if (trimmed === "") return null;
  let message: unknown;
  try {
    message = JSON.parse(trimmed);
  } catch {
    options.onGarbage?.("not JSON");
    return null;
  }
  const event = decodeEvent(message);
  if (typeof event === "string") {
    options.onGarbage?.(event);
    return null;
  }
  return event;
}

/** An event as far as it is known. `status` and `id` are the names of API 1.21 and older. */
interface RawEvent {
  readonly Type?: unknown;
  readonly Action?: unknown;
  readonly Actor?: { readonly ID?: unknown; readonly Attributes?: unknown } | null;
  readonly status?: unknown;
  readonly id?: unknown;
  readonly HealthStatus?: unknown;
  readonly time?: unknown;
  readonly timeNano?: unknown;
}

/** The event; null for one of another kind of object; or, as text, why it is none. */
function decodeEvent(message: unknown): EngineEvent | string | null {
  if (typeof message !== "object" || message === null) return "not an object";
  const raw: RawEvent = message;
  const ofNetwork = raw.Type === "network";
  if (raw.Type !== undefined && raw.Type !== "container" && !ofNetwork) return null;
  const said = raw.Action ?? raw.status;
  if (typeof said !== "string" || said === "") return "no action";
  const attributes = (raw.Actor?.Attributes ?? {}) as Record<string, unknown>;
  if (ofNetwork && !NETWORK_ACTIONS.has(said)) return null;
  const containerId = ofNetwork ? attributes["container"] : raw.Actor?.ID ?? raw.id;
  if (typeof containerId !== "string" || !CONTAINER_ID.test(containerId)) return "no container id";

  // "health_status: healthy", "exec_create: /bin/sh -c …"
  const colon = said.indexOf(":");
  const word = colon < 0 ? said : said.slice(0, colon);
  const action = Object.hasOwn(PODMAN_ACTIONS, word) ? PODMAN_ACTIONS[word] as string : word;
  return {
    action: storable(action),
    containerId,
    // A network's event has the network's name.
    name: typeof attributes["name"] === "string" && !ofNetwork ? storable(attributes["name"]) : "",
    health: action === "health_status"
      ? health(colon < 0 ? raw.HealthStatus : said.slice(colon + 1).trim())
      : null,
    exitCode: action === "die"
      ? exitCode(attributes["exitCode"] ?? attributes["containerExitCode"])
      : null,
    timeMs: timeMs(raw),
    ...(action === "kill" && typeof attributes["signal"] === "string" && {
      signal: storable(attributes["signal"]),
    }),
    ...(action === "die" && ranSeconds(attributes["execDuration"])),
  };
}

function health(word: unknown): string | null {
  return word === "healthy" || word === "unhealthy" || word === "starting" ? word : null;
}

function exitCode(text: unknown): number | null {
  return typeof text === "string" && /^-?\d{1,10}$/.test(text) ? Number(text) : null;
}

function ranSeconds(text: unknown): { ranSeconds: number } | undefined {
  return typeof text === "string" && /^\d{1,10}$/.test(text)
    ? { ranSeconds: Number(text) }
    : undefined;
}

function timeMs(raw: RawEvent): number | null {
  // A double keeps nanoseconds since the epoch to a quarter of a microsecond, so no more is told.
  const ms = typeof raw.timeNano === "number" && raw.timeNano > 0
    ? Math.round(raw.timeNano / 1e3) / 1e3
    : typeof raw.time === "number"
    ? raw.time * 1000
    : 0;
  return ms > 0 && ms <= LATEST_MS ? ms : null;
}

/** 9999-12-31: what is later would not be a date that others can read. */
const LATEST_MS = 253_402_300_799_999;
