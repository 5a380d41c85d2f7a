/**
 * An application that listeners can be opened for before it is loaded: who comes early waits for it.
 * Answers nothing itself.
 *
 * @module
 */

import type { Entrance } from "./access.ts";
import { ByteBudget, BYTES_IN_FLIGHT } from "./byte_budget.ts";
import type { App } from "./routed.ts";

/** What stands for an application until it is there. */
export class AppSoon implements App {
  /** What bodies and answers on their way are taken from; to be that of the application as well. */
  readonly bytes = new ByteBudget(BYTES_IN_FLIGHT);
  readonly #app = Promise.withResolvers<App>();

  /** Nothing is answered yet. */
  constructor() {
    // Where nobody came there is nobody to tell.
    this.#app.promise.catch(() => {});
  }

  /** Takes what this stands for. Rejects as it does; then whoever waits is told of a fault. */
  async become(app: Promise<App>): Promise<void> {
    this.#app.resolve(app);
    await app;
  }

  /** Once it is there. */
  async fetch(request: Request, entrance?: Entrance): Promise<Response> {
    return await (await this.#app.promise).fetch(request, entrance);
  }

  /** Once it is there. */
  async request(path: string, init?: RequestInit): Promise<Response> {
    return await (await this.#app.promise).request(path, init);
  }

  /** As soon as it is there. */
  close(): void {
    this.#app.promise.then((app) => app.close(), () => {});
  }
}
