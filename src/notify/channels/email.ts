/**
 * E-mail over SMTP by nodemailer, which is loaded with the first message. The connection is opened
 * here, to an address that may be dialled; nodemailer resolves nothing and dials nothing.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import type {
  Channel,
  ChannelSettings,
  Message,
  Outcome,
  OutcomeCause,
  Surroundings,
} from "../channel.ts";
import { DialError, isAboutEncryption, nameOf } from "../dial.ts";
import { DEADLINE_MS } from "../exchange.ts";
import { secretOf } from "../http_channel.ts";
import { outcomeWithoutAnswer, presentable } from "../outcome.ts";
import { wholeText } from "../texts.ts";

/** What nodemailer's errors tell. */
interface SmtpError extends Error {
  readonly code?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

/** What the server will not take from this account, to these addresses, later either. */
const FOR_GOOD: ReadonlySet<string> = new Set(["EAUTH", "EENVELOPE", "ENOAUTH", "EOAUTH2"]);

/**
 * Opens it. Its origin is `smtp://host:port` or, encrypted from the first byte, `smtps://…`.
 * Secrets: `from`, `to` (several with commas), `user`, `password`; `ca` is a PEM text to trust
 * besides the usual. Forms of `smtp:` `starttls` (the default: nothing is sent without),
 * `optional` (encrypted if offered, whoever answers; not with a password), `plain` (never).
 */
export function openChannel(settings: ChannelSettings, surroundings: Surroundings): Channel {
  return {
    type: "email",
    rate: { burst: 10, perMinute: 10 },
    send: async (message, { signal }) => {
      let outcome: Outcome;
      try {
        outcome = await deliver(message, { settings, surroundings, signal });
      } catch (error) {
        signal.throwIfAborted();
        outcome = error instanceof DialError ? outcomeWithoutAnswer(error) : outcomeOf(error);
      }
      return presentable(outcome, settings.secrets);
    },
  };
}

interface Delivering {
  readonly settings: ChannelSettings;
  readonly surroundings: Surroundings;
  readonly signal: AbortSignal;
}

async function deliver(message: Message, options: Delivering): Promise<Outcome> {
  const { settings, surroundings } = options;
  const server = serverOf(settings);
  const mail = mailOf(settings, message);
  const ended = new AbortController();
  const abort = () => ended.abort(options.signal.reason);
  options.signal.addEventListener("abort", abort);
  const timer = setTimeout(
    () => ended.abort(new DialError("timeout", "Cannot send: the server did not answer in time")),
    DEADLINE_MS,
  );
  let socket: Socket | undefined;
  const destroy = () => socket?.destroy();
  ended.signal.addEventListener("abort", destroy);
  try {
    options.signal.throwIfAborted();
    const addresses = await surroundings.dialer.resolve({
      ...server,
      allowLoopback: settings.config.allowLoopback ?? false,
    }, { signal: ended.signal });
    const transportOptions = transportOf(settings, server);
    const { tls } = transportOptions;
    const open = (host: string) =>
      server.secure
        ? connectSecurely({ ...tls, host, port: server.port, ...nameOf(transportOptions.host) })
        : connect({ host, port: server.port });
    socket = await connected(addresses, { open, server, signal: ended.signal });
    const { createTransport } = await import("nodemailer");
    ended.signal.throwIfAborted();
    const transport = createTransport({
      ...transportOptions,
      connection: socket,
      secured: server.secure,
      name: greetingOf(socket),
    });
    const sent = await transport.sendMail(mail);
    const status = Number(/^\d{3}/.exec(sent.response)?.[0]);
    return { result: "delivered", status: status || null, answer: sent.response };
  } catch (error) {
    // What fails because the socket was destroyed under it says nothing; why it was does.
    ended.signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", abort);
    socket?.destroy();
  }
}

interface Server {
  readonly hostname: string;
  readonly port: number;
  readonly secure: boolean;
}

function serverOf({ config }: ChannelSettings): Server {
  const [, scheme, hostname, port] =
    /^(smtps?):\/\/(\[[0-9a-f:.]+\]|[^/:@\s]+):(\d{1,5})$/i.exec(config.origin) ?? [];
  if (hostname === undefined) {
    throw new DialError("settings", "Cannot send: the channel's origin is no smtp://host:port");
  }
  return { hostname, port: Number(port), secure: scheme!.toLowerCase() === "smtps" };
}

/** How we name ourselves: by our address, as a host without a public name should. */
function greetingOf({ localAddress = "127.0.0.1" }: Socket): string {
  return `[${localAddress.includes(":") ? "IPv6:" : ""}${localAddress}]`;
}

interface Connecting {
  /** Begins to connect to an address. */
  readonly open: (address: string) => Socket;
  readonly server: Server;
  readonly signal: AbortSignal;
}

/** A connection to the first address that takes one, encrypted if it is to be from the start. */
async function connected(addresses: readonly string[], options: Connecting): Promise<Socket> {
  let last: unknown;
  for (const address of addresses) {
    try {
      return await connectedTo(address, options);
    } catch (error) {
      options.signal.throwIfAborted();
      last = error;
    }
  }
  const { port, secure } = options.server;
  const reason = last instanceof Error ? last.message : String(last);
  const tls = secure && isAboutEncryption(last);
  throw new DialError(
    tls ? "tls" : "connection",
    `Cannot connect to port ${port}: ${reason}`,
    last,
  );
}

function connectedTo(address: string, { open, server, signal }: Connecting): Promise<Socket> {
  const socket = open(address);
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const abort = () => {
    socket.destroy();
    reject(signal.reason);
  };
  // Stays: what happens to it before and after nodemailer has it would end the process.
  socket.on("error", reject);
  socket.once("close", () => reject(new Error("the server hung up")));
  socket.once(server.secure ? "secureConnect" : "connect", () => resolve(socket));
  signal.addEventListener("abort", abort);
  return promise.finally(() => signal.removeEventListener("abort", abort));
}

function transportOf({ config, secrets }: ChannelSettings, server: Server) {
  const { user, password, ca } = secrets;
  const form = config.form ?? "starttls";
  const login = user !== undefined && password !== undefined;
  return {
    host: server.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: server.port,
    secure: server.secure,
    requireTLS: !server.secure && form === "starttls",
    ignoreTLS: !server.secure && form === "plain",
    ...(login && { auth: { user, pass: password } }),
    tls: {
      minVersion: "TLSv1.2" as const,
      ...(ca !== undefined && { ca }),
      // A relay's own certificate is as good as none, which would do here: nobody logs in.
      rejectUnauthorized: form !== "optional" || login,
    },
    connectionTimeout: DEADLINE_MS,
    greetingTimeout: DEADLINE_MS,
    socketTimeout: DEADLINE_MS,
    // A message is text that others wrote; none of it is a file or an address to fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function mailOf(settings: ChannelSettings, message: Message) {
  const { title, lines, link } = wholeText(message);
  const from = secretOf(settings, "from");
  const text = [
    ...lines.map(({ text, verbatim }) => verbatim ? `    ${text}` : text),
    ...(link === null ? [] : ["", `${link.label}: ${link.url}`]),
  ].join("\n");
  return {
    from,
    to: secretOf(settings, "to").split(",").map((address) => address.trim()),
    subject: title,
    text: `${text}\n`,
    // The same for the same message: whoever keeps it by its id keeps it once.
    messageId: `<${message.id.replace(/[^\w.+-]/g, "_")}@${domainOf(from)}>`,
    date: new Date(message.content.at),
    headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
  };
}

function domainOf(address: string): string {
  return /@([A-Za-z0-9.-]+)/.exec(address)?.[1] ?? "tinyforge.invalid";
}

function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof Error)) throw error;
  const { code = "", responseCode, response, message }: SmtpError = error;
  const answered = responseCode !== undefined;
  // nodemailer has one code for a broken connection, whatever broke it.
  const tls = code === "ETLS" || (!answered && isAboutEncryption(error));
  // A server that refuses for now says so with a 4.
  const notNow = answered && responseCode < 500;
  const cause: OutcomeCause = tls ? "tls" : notNow ? "limited" : answered ? "answer" : "connection";
  const forGood = FOR_GOOD.has(code) && !notNow;
  return {
    result: forGood ? "broken" : "retry",
    status: responseCode ?? null,
    answer: response ?? message,
    cause,
    retryAfterMs: null,
  };
}
