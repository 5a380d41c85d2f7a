/**
 * The way through a proxy: for what is encrypted a tunnel to the receiver, for the rest the proxy
 * itself, which is asked for whole URLs. A proxy is trusted and not judged. Must not send what is
 * meant for the receiver.
 *
 * @module
 */

import { request } from "node:http";
import type { Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { DialError, type DialTarget, nameOf, openSocket, withoutBrackets } from "./dial.ts";

/** How requests go on from here. */
export interface Tunnel {
  /** Opens what a request is sent over. */
  readonly open: () => Socket;
  /** Headers by which a proxy that is asked itself lets one through. */
  readonly login: Readonly<Record<string, string>>;
}

/** Where to, and how. */
export interface TunnelOptions extends DialTarget {
  /** Whether the receiver is spoken to encrypted. */
  readonly encrypted: boolean;
  /** PEM texts of authorities to trust besides the usual ones. */
  readonly caCerts: readonly string[];
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * The way to a target. What is encrypted needs Deno 2.9: before, a tunnel's socket is not handed
 * out. Throws {@linkcode DialError}, and the signal's reason when that aborts.
 */
export async function openTunnel(proxy: URL, options: TunnelOptions): Promise<Tunnel> {
  const login = proxy.username === "" ? {} : { "proxy-authorization": basicOf(proxy) };
  const toProxy = () =>
    openSocket(
      withoutBrackets(proxy.hostname),
      Number(proxy.port) || (proxy.protocol === "https:" ? 443 : 80),
      {
        hostname: proxy.protocol === "https:" ? proxy.hostname : null,
        caCerts: options.caCerts,
      },
    );
  if (!options.encrypted) return { open: toProxy, login };
  const socket = await tunnelled(toProxy, { ...options, login });
  const { caCerts } = options;
  return {
    open: () =>
      connectSecurely({
        socket,
        ...nameOf(withoutBrackets(options.hostname)),
        ...(caCerts.length > 0 && { ca: [...caCerts] }),
      }),
    login: {},
  };
}

async function tunnelled(
  open: () => Socket,
  options: TunnelOptions & { login: Readonly<Record<string, string>> },
): Promise<Socket> {
  const { signal } = options;
  signal.throwIfAborted();
  const to = `${options.hostname}:${options.port}`;
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const asking = request({
    method: "CONNECT",
    path: to,
    headers: { ...options.login, host: to },
    setHost: false,
    createConnection: open,
  });
  const refused = (reason: string, cause?: unknown) =>
    reject(new DialError("connection", `Cannot go through the proxy: ${reason}`, cause));
  const abort = () => {
    reject(signal.reason);
    asking.destroy();
  };
  asking.on("error", (error: Error) => refused(error.message, error));
  asking.on("response", ({ statusCode }) => refused(`it answered ${statusCode}`));
  asking.on("connect", ({ statusCode }, socket) => {
    if (statusCode !== undefined && statusCode >= 200 && statusCode < 300) {
      return resolve(socket as Socket);
    }
    socket.destroy();
    refused(`it answered ${statusCode}`);
  });
  signal.addEventListener("abort", abort, { once: true });
  asking.end();
  try {
    return await promise;
  } catch (error) {
    asking.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function basicOf({ username, password }: URL): string {
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${new TextEncoder().encode(pair).toBase64()}`;
}
