/**
 * URLs of mailboxes.
 *
 * @module
 */

import type { ChannelSettings } from "../channel.ts";
import { ChannelUrlError, type GivenUrl, option, yes } from "./given_url.ts";

const HINT = "write mailtos://USER:PASSWORD@DOMAIN?smtp=SERVER&from=ADDRESS&to=ADDRESS";

const SMTP_PORT = 25;
const SUBMISSION_PORT = 587;
const SMTPS_PORT = 465;

/** Servers of those whose mailboxes many people have; the user is the whole address. */
const SERVERS: Readonly<Record<string, string>> = {
  "gmail.com": "smtp.gmail.com",
  "googlemail.com": "smtp.gmail.com",
  "yahoo.com": "smtp.mail.yahoo.com",
  "icloud.com": "smtp.mail.me.com",
  "me.com": "smtp.mail.me.com",
  "fastmail.com": "smtp.fastmail.com",
  "fastmail.fm": "smtp.fastmail.com",
  "zoho.com": "smtp.zoho.com",
  "gmx.net": "mail.gmx.net",
  "gmx.de": "mail.gmx.net",
  "web.de": "smtp.web.de",
  "yandex.ru": "smtp.yandex.ru",
  "yandex.com": "smtp.yandex.com",
  "mail.ru": "smtp.mail.ru",
};

/**
 * `mailto[s]://[user:password@]domain[:port][/to]` with `user`, `pass`, `smtp`, `from`, `to`,
 * `name` and `mode` (`ssl`, `starttls`, `insecure`), as in Apprise. A password is never sent
 * unencrypted unless `mode=insecure` asks for it.
 */
export function takeMailto(given: GivenUrl): ChannelSettings {
  const { domain, port } = domainOf(given.authority);
  const known = SERVERS[domain];
  const login = option(given, "user") ?? given.user ?? undefined;
  const password = option(given, "pass", "password") ?? given.password ?? undefined;
  const mailbox = login === undefined
    ? undefined
    : login.includes("@")
    ? login
    : `${login}@${domain}`;
  const user = known === undefined ? login : mailbox;
  const from = addressOf(option(given, "from"), option(given, "name")) ?? mailbox;
  return mailOf({
    host: option(given, "smtp") ?? known ?? domain,
    port,
    mode: modeOf(given, { port, password, known: known !== undefined }),
    user,
    password,
    from,
    to: recipientsOf([...given.segments, option(given, "to") ?? ""], from),
  });
}

type Mode = "tls" | "starttls" | "optional" | "plain";

function modeOf(
  given: GivenUrl,
  about: { port: number | null; password: string | undefined; known: boolean },
): Mode {
  const mode = option(given, "mode")?.toLowerCase();
  if (mode === "ssl" || mode === "tls") return "tls";
  if (mode === "starttls") return "starttls";
  if (mode === "insecure") return "plain";
  if (mode !== undefined) {
    throw new ChannelUrlError("its mode can't be one", "write mode=starttls, ssl or insecure");
  }
  if (about.port === SMTPS_PORT) return "tls";
  const safe = given.scheme === "mailtos" || about.known || about.password !== undefined;
  return safe ? "starttls" : "optional";
}

/**
 * `smtp://[user:password@]host[:port]/?from=…&to=…` with `encryption` (`Auto`, `None`,
 * `ExplicitTLS`, `ImplicitTLS`) and `useStartTLS`, as in Shoutrrr.
 */
export function takeSmtp(given: GivenUrl): ChannelSettings {
  const { domain: host, port } = domainOf(given.authority);
  const encryption = option(given, "encryption")?.toLowerCase() ?? "auto";
  const startTls = yes(given, "usestarttls", "starttls");
  const mode: Mode | undefined = given.scheme === "smtps"
    ? "tls"
    : encryption === "implicittls"
    ? "tls"
    : encryption === "explicittls"
    ? "starttls"
    : encryption === "none"
    ? startTls ? "starttls" : "plain"
    : encryption !== "auto"
    ? undefined
    : port === SMTPS_PORT
    ? "tls"
    : given.password !== null || startTls
    ? "starttls"
    : "optional";
  if (mode === undefined) {
    throw new ChannelUrlError(
      "its encryption can't be one",
      "write encryption=Auto, None, ExplicitTLS or ImplicitTLS",
    );
  }
  const from = addressOf(option(given, "fromaddress", "from"), option(given, "fromname"));
  return mailOf({
    host,
    port,
    mode,
    user: given.user ?? undefined,
    password: given.password ?? undefined,
    from,
    to: recipientsOf([option(given, "toaddresses", "to") ?? ""], from),
  });
}

interface Mailbox {
  readonly host: string;
  readonly port: number | null;
  readonly mode: Mode;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly from: string | undefined;
  readonly to: readonly string[];
}

function mailOf(mailbox: Mailbox): ChannelSettings {
  const { mode, user, password, from, to } = mailbox;
  if (from === undefined) throw new ChannelUrlError("it has no sender", HINT);
  if (to.length === 0) throw new ChannelUrlError("it has no recipient", HINT);
  for (const address of [from, ...to]) {
    if (!/^(?:[^<>"\r\n]* )?<?[^\s@<>",;]+@[^\s@<>",;]+>?$/.test(address)) {
      throw new ChannelUrlError("one of its addresses can't be one", HINT);
    }
  }
  if (user !== undefined && password === undefined && mode === "starttls") {
    throw new ChannelUrlError("it names a user without a password", HINT);
  }
  const fallback = mode === "tls" ? SMTPS_PORT : mode === "starttls" ? SUBMISSION_PORT : SMTP_PORT;
  const host = URL.parse(`http://${mailbox.host}`);
  if (host === null || host.host !== host.hostname || host.pathname !== "/" || host.search !== "") {
    throw new ChannelUrlError("its server can't be one", HINT);
  }
  const origin = `${mode === "tls" ? "smtps" : "smtp"}://${host.hostname}:${
    mailbox.port ?? fallback
  }`;
  return {
    type: "email",
    config: { origin, ...(mode !== "tls" && { form: mode }) },
    secrets: {
      from,
      to: to.join(","),
      ...(user !== undefined && password !== undefined && { user, password }),
    },
  };
}

function domainOf(authority: string): { domain: string; port: number | null } {
  const [, domain, port] = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(authority) ?? [];
  const number = port === undefined ? null : Number(port);
  if (domain === undefined || number === 0 || (number ?? 0) > 65_535) {
    throw new ChannelUrlError("its host can't be one", HINT);
  }
  return { domain: domain.toLowerCase(), port: number };
}

/** With a name before it, if there is one. */
function addressOf(address: string | undefined, name: string | undefined): string | undefined {
  if (address === undefined || name === undefined) return address;
  return `${name.replace(/[<>"\r\n,;@]/g, "").trim()} <${address}>`.trim();
}

function recipientsOf(lists: readonly string[], from: string | undefined): string[] {
  const named = lists.flatMap((list) => list.split(/[,;\s]+/)).filter((part) => part !== "");
  if (named.length > 0) return named;
  return from === undefined ? [] : [from.replace(/^.*<(.*)>$/, "$1")];
}
