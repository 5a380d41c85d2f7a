/**
 * Whether the Engine can be used, by whoever runs this: reached, allowed, understood, heard, and by
 * the same clock. Asks it; changes nothing there. What it lists is handed on.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { DockerClient } from "../docker/client.ts";
import { isForbidden } from "../docker/error.ts";
import { isFailure } from "../failure.ts";
import type { ListedContainer } from "../model/container.ts";
import type { Finding } from "./finding.ts";

/** What {@link checkEngine} works with. */
export interface EngineCheckOptions {
  /** The Engine. */
  readonly docker: DockerClient;
  /** The time. */
  readonly clock: Clock;
  /** What a person can do about a failure; may be empty. */
  readonly hintFor: (error: unknown) => string;
  /** How long each question may take, milliseconds. Default 5 s. */
  readonly timeoutMs?: number;
}

/** What an Engine's check found. */
export interface EngineChecked {
  /** What should be otherwise. */
  readonly findings: readonly Finding[];
  /** Every container; null when they could not be listed. */
  readonly containers: readonly ListedContainer[] | null;
}

/** Clocks that differ by more than this make times hard to read … */
const SKEW_MS = 2000;

/** … and by more than this make them wrong: events seem old, and deaths unexplained. */
const SKEW_BAD_MS = 30_000;

/** An event that needs longer than this is late, milliseconds. */
const EVENT_LATE_MS = 1000;

/** Asks the Engine everything that the daemon will. */
export async function checkEngine(options: EngineCheckOptions): Promise<EngineChecked> {
  const { docker, hintFor, timeoutMs = 5000 } = options;
  const findings: Finding[] = [];
  const add = (finding: Omit<Finding, "group">) => findings.push({ group: "engine", ...finding });
  const forbidden = (error: unknown, { severity, why }: Pick<Finding, "severity" | "why">) => {
    if (!isForbidden(error)) return false;
    const what = (error as Error).message;
    add({ code: "endpoint-forbidden", severity, what, why, do: hintFor(error) });
    return true;
  };

  let containers: readonly ListedContainer[] | null = null;
  try {
    ({ containers } = await docker.list({ timeoutMs }));
  } catch (error) {
    const why = "without a listing there is no index";
    if (!forbidden(error, { severity: "failure", why })) {
      add({ ...unreachable(error), severity: "failure", why, do: hintFor(error) });
    }
    // Whoever does not answer this answers nothing, unless a proxy answers for it.
    if (!isForbidden(error)) return { findings, containers };
  }
  try {
    if ((await docker.version({ timeoutMs })).engineVersion === "") {
      add({
        code: "endpoint-forbidden",
        severity: "info",
        what: "a proxy in front of the Engine forbids GET /version",
        why: "the oldest version of the API that is understood is used",
        do: "allow GET /version in that proxy (docker-socket-proxy: VERSION=1)",
      });
    }
    await checkClock(options, add);
  } catch (error) {
    const why = "nothing tells this Engine from another, so nothing is marked missing";
    if (!forbidden(error, { severity: "warning", why })) throw error;
  }
  try {
    await checkEvents(options, { add, containers: containers ?? [] });
  } catch (error) {
    const why = "changes are seen with the next pass only, seconds later";
    if (!forbidden(error, { severity: "failure", why })) {
      add({ ...unreachable(error), severity: "failure", why, do: hintFor(error) });
    }
  }
  const [first] = containers ?? [];
  if (first !== undefined) {
    try {
      await docker.inspect(first.id, { timeoutMs });
    } catch (error) {
      const why = "how often containers are restarted, and why they ended, is not known";
      if (!forbidden(error, { severity: "warning", why })) throw error;
    }
  }
  return { findings, containers };
}

function unreachable(error: unknown): Pick<Finding, "code" | "what"> {
  const code = isFailure(error, "engine-permission")
    ? "engine-permission"
    : isFailure(error, "engine-api-version")
    ? "engine-api-version"
    : "engine-unreachable";
  return { code, what: error instanceof Error ? error.message : String(error) };
}

type Add = (finding: Omit<Finding, "group">) => void;

async function checkClock({ docker, clock, timeoutMs = 5000 }: EngineCheckOptions, add: Add) {
  const before = clock.now();
  const theirs = await docker.clock({ timeoutMs });
  if (theirs === null) return;
  // It answered at some moment between the two.
  const skew = theirs < before ? before - theirs : Math.max(0, theirs - clock.now());
  if (skew <= SKEW_MS) return;
  add({
    code: "clock-differs",
    severity: skew > SKEW_BAD_MS ? "failure" : "warning",
    what: `the Engine's clock is ${(skew / 1000).toFixed(1)} s ${
      theirs < before ? "behind" : "ahead of"
    } this one`,
    why: "when containers started and ended is told by its clock, the rest by this one",
    do: "`timedatectl set-ntp true` on both",
  });
}

/** Opens the stream, and where a container runs has it announce something and waits for that. */
async function checkEvents(
  { docker, clock, timeoutMs = 5000 }: EngineCheckOptions,
  { add, containers }: { add: Add; containers: readonly ListedContainer[] },
): Promise<void> {
  const stop = new AbortController();
  const running = containers.find(({ state }) => state === "running");
  let askedAt: number | null = null;
  const onOpen = () => {
    if (running === undefined) return stop.abort();
    askedAt = clock.monotonic();
    // Podman and some proxies don't take it; then nothing is measured.
    docker.top(running.id, { signal: stop.signal, timeoutMs }).catch(() => stop.abort());
  };
  const timer = clock.sleep(timeoutMs, stop.signal).then(() => stop.abort());
  let tookMs: number | null = null;
  try {
    const events = docker.events({ signal: stop.signal, timeoutMs, onOpen });
    for await (const { action, containerId } of events) {
      if (action !== "top" || containerId !== running?.id) continue;
      tookMs = clock.monotonic() - askedAt!;
      break;
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    const waited = askedAt === null ? 0 : clock.monotonic() - askedAt;
    stop.abort();
    await timer;
    if (tookMs === null && waited >= timeoutMs || (tookMs ?? 0) > EVENT_LATE_MS) {
      add({
        code: "events-late",
        severity: "warning",
        what: tookMs === null
          ? `an event that the Engine was made to send did not come within ${timeoutMs / 1000} s`
          : `an event needed ${(tookMs / 1000).toFixed(1)} s to come`,
        why: "changes are seen late, or with the next pass only",
        do: "look for a proxy that keeps answers back; `docker events` shows what comes",
      });
    }
  }
}
