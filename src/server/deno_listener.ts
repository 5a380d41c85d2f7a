/**
 * A listener on `Deno.serve`, for a Deno before 2.9. It has no limit of connections and no time for
 * headers, and ends when a connection can't be accepted.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import type { Listener, ListenOptions, Place } from "./listener.ts";

/**
 * Listens.
 *
 * @throws {Error} As `Deno.serve` does; a {@link Failure} `listen` for an inherited socket, or TLS.
 */
export function listenDeno(place: Place, { handler, certificate }: ListenOptions): Listener {
  if (place.kind === "inherited") throw unable("on a socket that was handed over");
  if (certificate !== null) throw unable("with TLS");
  const closing = new AbortController();
  const common = { signal: closing.signal, onListen: () => {} };
  const answer = (remote: string | null, request: Request, completed: Promise<void>) =>
    // Rejects when the client has left: no matter, it is over either way.
    handler(request, {
      ...{ remote, secure: false, user: () => null },
      completed: completed.catch(() => {}),
    });
  const server = place.kind === "unix"
    ? Deno.serve(
      { path: place.path, ...common },
      (request, info) => answer(null, request, info.completed),
    )
    : Deno.serve(
      { hostname: place.hostname, port: place.port, ...common },
      (request, info) => answer(info.remoteAddr.hostname, request, info.completed),
    );
  const { addr } = server;
  return {
    address: "port" in addr ? { hostname: addr.hostname, port: addr.port } : null,
    accepted: null,
    full: false,
    ended: server.finished.then(() => undefined, (error) => error),
    drain: () => server.shutdown(),
    abort: async () => {
      closing.abort();
      await server.finished.catch(() => {});
    },
  };
}

function unable(how: string): Failure<"listen"> {
  return new Failure("listen", `Cannot listen ${how}: it needs Deno 2.9`, {
    data: { wrong: "runtime" },
  });
}
