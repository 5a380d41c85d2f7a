/**
 * What a listener is: connections taken in one place, requests handed over, answers sent. Knows no
 * route and no token; two modules are one, by what the runtime offers.
 *
 * @module
 */

import type { ByteBudget } from "./byte_budget.ts";
import type { Certificate } from "./certificate.ts";

/** Where to listen. */
export type Place =
  | { readonly kind: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string }
  /** A TCP socket that listens already and was handed over by the service manager. */
  | { readonly kind: "inherited"; readonly fd: number };

/** An address that TCP listens on. */
export interface TcpAddress {
  /** IP address, IPv6 without brackets. */
  readonly hostname: string;
  /** Never 0. */
  readonly port: number;
}

/** Who asks. */
export interface Peer {
  /** IP address; null over a unix socket. */
  readonly remote: string | null;
  /** Whether the connection is encrypted. */
  readonly secure: boolean;
  /** User id over a unix socket, asked while it is open; null where nobody knows. */
  user(): number | null;
  /** Resolves when the answer was sent or can't be any more. */
  readonly completed: Promise<void>;
}

/** Answers one request; must not reject. */
export type Handler = (request: Request, peer: Peer) => Promise<Response>;

/** What clients may use up. */
export interface ListenerLimits {
  /** Connections at once; when there are more, the one that asks nothing for longest is closed. */
  readonly connections: number;
  /** Milliseconds within which a request's headers must have come. */
  readonly headersMs: number;
  /** Milliseconds that a connection may do nothing: between requests, or while it takes an answer. */
  readonly idleMs: number;
}

/** How to listen. */
export interface ListenOptions {
  /** Answers. */
  readonly handler: Handler;
  /** What clients may use up. */
  readonly limits: ListenerLimits;
  /** What TLS is spoken with; null: HTTP without. */
  readonly certificate: Certificate | null;
  /** Answers on their way are taken from it. */
  readonly bytes: ByteBudget;
  /** Called when a connection was closed to make room. */
  readonly onCrowded: () => void;
}

/** An open listener. */
export interface Listener {
  /** Null for a unix socket. */
  readonly address: TcpAddress | null;
  /** Connections taken since it was opened; null where the runtime does not say. */
  readonly accepted: number | null;
  /** Whether there are as many connections as there may be. */
  readonly full: boolean;
  /** Resolves when it listens no more, with the error that ended it if there was one. */
  readonly ended: Promise<unknown>;
  /** Takes no more connections and closes those that ask nothing; resolves when all are closed. */
  drain(): Promise<void>;
  /** Closes everything at once. */
  abort(): Promise<void>;
}
