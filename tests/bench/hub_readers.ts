/**
 * Who reads a hub in the bench: pages over HTTP, and live feeds of a host.
 *
 * @module
 */

import type { TestHub } from "../harness/hub.ts";
import type { TestHost } from "../harness/program.ts";

/** Asks as a reader with the hub's token. */
export type Read = (path: string, init?: RequestInit) => Promise<Response>;

/** A reader of a hub. */
export async function readWith(hub: TestHub, host: TestHost): Promise<Read> {
  const token = (await Deno.readTextFile(`${host.dataDir}/token`)).trim();
  return (path, init = {}) =>
    fetch(hub.url + path, { ...init, headers: { authorization: `Bearer ${token}` } });
}

/** A live feed of one host. */
export interface Followed extends AsyncDisposable {
  /** Resolves when the next change is told. */
  next(): Promise<void>;
}

/** Follows a host from after its snapshot. */
export async function followed(read: Read, host: string): Promise<Followed> {
  const ending = new AbortController();
  const { signal } = ending;
  const response = await read(`/api/events?host=${host}`, { signal });
  if (!response.ok) throw new Error(`${host}: ${response.status} ${await response.text()}`);
  const begun = Promise.withResolvers<void>();
  let told = () => {};
  const reading = (async () => {
    let text = "";
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const event = text.slice(0, end);
        text = text.slice(end + 2);
        if (event.includes("event: change")) told();
        else if (event.includes('"last":true')) begun.resolve();
      }
    }
  })().catch((error) => {
    if (!signal.aborted) throw error;
  });
  await begun.promise;
  return {
    next: () => new Promise<void>((resolve) => told = resolve),
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await reading;
    },
  };
}
