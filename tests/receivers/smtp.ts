/**
 * A mail server on loopback: STARTTLS or TLS from the first byte, with a login or without.
 *
 * @module
 */

import { SMTPServer } from "smtp-server";
import type { TestCertificate } from "./certificate.ts";

/** A mail as it came. */
export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  /** Whether the connection was encrypted. */
  readonly secure: boolean;
  /** Who logged in, or null. */
  readonly user: string | null;
  /** Headers and text, as sent. */
  readonly raw: string;
}

/** How a mail server is set up. */
export interface MailOptions {
  /** For STARTTLS; without it none is offered. */
  readonly certificate?: TestCertificate;
  /** TLS from the first byte. */
  readonly implicit?: boolean;
  /** Who may log in; without it nobody must. */
  readonly login?: { readonly user: string; readonly password: string };
  /** Reply to every recipient, as `550 5.1.1 no such user`. */
  readonly refuseRecipients?: string;
  /** Reply to every mail. */
  readonly refuseMail?: string;
}

/** A mail server that runs. */
export class MailServer implements AsyncDisposable {
  readonly mails: Mail[] = [];
  readonly #server: SMTPServer;
  #port = 0;

  private constructor(options: MailOptions) {
    const { certificate, login } = options;
    this.#server = new SMTPServer({
      secure: options.implicit ?? false,
      ...(certificate !== undefined && { cert: certificate.cert, key: certificate.key }),
      hideSTARTTLS: certificate === undefined,
      disabledCommands: [
        ...(certificate === undefined ? ["STARTTLS"] : []),
        ...(login === undefined ? ["AUTH"] : []),
      ],
      authOptional: login === undefined,
      disableReverseLookup: true,
      onAuth: ({ username, password }, _session, callback) =>
        username === login?.user && password === login?.password
          ? callback(null, { user: username })
          : callback(Object.assign(new Error("5.7.8 bad credentials"), { responseCode: 535 })),
      onRcptTo: (_address, _session, callback) => callback(refusal(options.refuseRecipients)),
      onData: (stream, session, callback) => {
        const chunks: Uint8Array[] = [];
        stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
        stream.on("end", () => {
          const refused = refusal(options.refuseMail);
          if (refused !== null) return callback(refused);
          const { mailFrom, rcptTo } = session.envelope;
          this.mails.push({
            from: mailFrom === false ? "" : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            secure: session.secure,
            user: typeof session.user === "string" ? session.user : null,
            raw: new TextDecoder().decode(Uint8Array.from(chunks.flatMap((chunk) => [...chunk]))),
          });
          callback();
        });
      },
    });
    // What a client does to a connection is the client's test to judge.
    this.#server.on("error", () => {});
  }

  /** Listens on a free port of 127.0.0.1. */
  static async start(options: MailOptions = {}): Promise<MailServer> {
    const server = new MailServer(options);
    const { promise, resolve } = Promise.withResolvers<void>();
    server.#server.listen(0, "127.0.0.1", resolve);
    await promise;
    server.#port = (server.#server.server.address() as { port: number }).port;
    return server;
  }

  /** Port that it listens on. */
  get port(): number {
    return this.#port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(resolve);
    await promise;
  }
}

function refusal(reply: string | undefined): Error | null {
  if (reply === undefined) return null;
  return Object.assign(new Error(reply.slice(4)), { responseCode: Number(reply.slice(0, 3)) });
}
