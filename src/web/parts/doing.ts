/**
 * Something that a reader set off: nothing is claimed to be done before the server said so.
 *
 * @module
 */

import type { Readable } from "../readable.ts";
import { useSignal } from "@preact/signals";
import { asAskError } from "../ask_error.ts";
import { tell } from "./announcer.tsx";
import { textOf } from "./notice.tsx";

/** Runs one thing at a time; what it failed with is told. */
export interface Doing {
  /** Whether it is under way. */
  readonly busy: Readable<boolean>;
  /** Runs it unless something runs; whether it went well. */
  readonly run: (work: () => Promise<void>) => Promise<boolean>;
}

/** For a component's buttons. */
export function useDoing(): Doing {
  const busy = useSignal(false);
  return {
    busy,
    run: async (work) => {
      if (busy.peek()) return false;
      busy.value = true;
      try {
        await work();
        return true;
      } catch (error) {
        const asked = asAskError(error);
        tell(asked.hint === "" ? textOf(asked) : `${textOf(asked)} (${asked.hint})`, { bad: true });
        return false;
      } finally {
        busy.value = false;
      }
    },
  };
}
