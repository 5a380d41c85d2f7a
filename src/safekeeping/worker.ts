/**
 * The thread in which the daemon makes a backup, so that nothing waits for it: copying, checking
 * and encrypting take their time in one piece. Loaded when the first one is due.
 *
 * @module
 */

import { isFailure } from "../failure.ts";
import { automaticBackup, type AutomaticOptions, type AutomaticReport } from "./automatic.ts";

/** What the thread answers. */
export type WorkerAnswer =
  | { readonly report: AutomaticReport }
  | { readonly error: { readonly code: string; readonly message: string } };

/** What of a thread's own scope is used here. */
interface Scope {
  onmessage: ((event: MessageEvent<AutomaticOptions>) => void) | null;
  postMessage(answer: WorkerAnswer): void;
}

const scope = globalThis as unknown as Scope;

scope.onmessage = ({ data }) => {
  automaticBackup(data).then(
    (report) => scope.postMessage({ report }),
    (error) =>
      scope.postMessage({
        error: {
          code: isFailure(error) ? error.code : "internal",
          message: error instanceof Error ? error.message : String(error),
        },
      }),
  );
};
