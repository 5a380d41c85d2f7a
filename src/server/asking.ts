/**
 * Whose request is being handled, for as long as it is: so that a transaction can be written down as
 * somebody's without every function in between handing on who that is. Must not decide anything by it.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type { NewAuditEntry, Who } from "../model/access.ts";
import type { Attribution } from "../store/audit.ts";

/** A request that may change something. */
export class Asking {
  readonly #what: Omit<NewAuditEntry, keyof Who>;
  #who: Who | null;
  #written = false;
  #over = false;

  /** `who` is null until it is known. */
  constructor(who: Who | null, what: Omit<NewAuditEntry, keyof Who>) {
    this.#who = who;
    this.#what = what;
  }

  /** Whose it is turned out. */
  is(who: Who): void {
    this.#who = who;
  }

  /** What there is to write down; null: nobody is known, it was written, or nothing asks any more. */
  attribution(): Attribution | null {
    if (this.#who === null || this.#written || this.#over) return null;
    // Read now: what is told of a socket's user is so while it is open.
    const { who, via, remote } = this.#who;
    return {
      entry: { ...this.#what, who, via, remote },
      done: () => void (this.#written = true),
    };
  }

  /** It was answered; what goes on after it is not its doing. */
  end(): void {
    this.#over = true;
  }
}

const current = new AsyncLocalStorage<Asking>();

/** Runs `handle`, all that it waits for included, as this request. */
export function asked<T>(asking: Asking, handle: () => T): T {
  return current.run(asking, handle);
}

/** What there is to write down of the request that is being handled, if one is. */
export function attributionNow(): Attribution | null {
  return current.getStore()?.attribution() ?? null;
}

/** What of a request's body and query may be shown: never what could be a secret. */
const SHOWN: ReadonlySet<string> = new Set([
  ..."name id kind role scope target workloadId stageId domain composeProjectName".split(" "),
  ..."containerId imageRef imageTag subdomain maxInstances force seconds until cron".split(" "),
  ..."minSeverity expiresAt reason all".split(" "),
]);
/** Lists of which it is shown what they name, or how long they are where they name nothing. */
const COUNTED: ReadonlySet<string> = new Set(["operations", "items"]);
const MAX_SHOWN = 200;

/** The details of an entry. */
export function detailsOf(...parts: readonly unknown[]): NewAuditEntry["details"] {
  const details: Record<string, string | number | boolean | null> = {};
  for (const part of parts) {
    if (typeof part !== "object" || part === null) continue;
    for (const [key, value] of Object.entries(part)) {
      if (Array.isArray(value) && COUNTED.has(key)) details[key] = namesOf(value) ?? value.length;
      if (!SHOWN.has(key)) continue;
      if (typeof value === "string") details[key] = value.slice(0, MAX_SHOWN);
      else if (typeof value !== "object" && value !== undefined) details[key] = value as number;
      else if (value === null) details[key] = null;
    }
  }
  return details;
}

/** Names of all of them; null where one has none. */
function namesOf(items: readonly { readonly name?: unknown }[]): string | null {
  const names = items.map((item) => item?.name).filter((name) => typeof name === "string");
  if (names.length === 0 || names.length < items.length) return null;
  return names.join(", ").slice(0, MAX_SHOWN);
}
