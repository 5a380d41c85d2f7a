/**
 * Asks a daemon again and again from a thread of its own, so that what a bench does meanwhile is not
 * taken for the daemon's.
 *
 * @module
 */

/** What the thread is told: where to ask, and how long to rest after each answer. */
interface Asked {
  readonly socket: string;
  readonly path: string;
  readonly pauseMs: number;
}

/** Asks from now until {@linkcode Asker.answers}. */
export class Asker {
  readonly #worker = new Worker(import.meta.url, { type: "module" });
  readonly #started: Promise<void>;

  /** Starts the thread. */
  constructor(asked: Asked) {
    this.#started = this.#told("answering");
    this.#worker.postMessage(asked);
  }

  /** Resolves with the first answer. */
  started(): Promise<void> {
    return this.#started;
  }

  /** How long each answer took, milliseconds; ends the thread. */
  async answers(): Promise<number[]> {
    const told = this.#told<number[]>("answers");
    this.#worker.postMessage("over");
    const answers = await told;
    this.#worker.terminate();
    return answers;
  }

  #told<T>(kind: string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#worker.addEventListener("message", ({ data }) => {
      if (data.kind === kind) resolve(data.value);
    });
    this.#worker.addEventListener("error", (event) => reject(new Error(event.message)));
    return promise;
  }
}

/** What of the thread's own scope is used here. */
interface Scope {
  readonly WorkerGlobalScope?: unknown;
  onmessage: ((event: MessageEvent<Asked | "over">) => void) | null;
  postMessage(told: { readonly kind: string; readonly value?: readonly number[] }): void;
}

const scope = globalThis as unknown as Scope;

/** In the thread. */
async function ask({ socket, path, pauseMs }: Asked, over: AbortSignal): Promise<number[]> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  const answers: number[] = [];
  while (!over.aborted) {
    const begin = performance.now();
    const response = await fetch(`http://127.0.0.1${path}`, { client });
    await response.body?.cancel();
    answers.push(performance.now() - begin);
    if (answers.length === 1) scope.postMessage({ kind: "answering" });
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return answers;
}

if (scope.WorkerGlobalScope !== undefined) {
  const over = new AbortController();
  scope.onmessage = async ({ data }) => {
    if (data === "over") over.abort();
    else scope.postMessage({ kind: "answers", value: await ask(data, over.signal) });
  };
}
