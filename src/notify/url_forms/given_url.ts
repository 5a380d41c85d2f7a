/**
 * A notification URL taken apart. Not the standard's parser: these URLs carry tokens where hosts
 * are, colons where ports are and `#` in paths. An error never holds any of it but the scheme.
 *
 * @module
 */

import { hasControls } from "../../text.ts";

/** The URL can't be used. What is wrong is in the message, what to write instead in the hint. */
export class ChannelUrlError extends Error {
  /** Tells this error from others. */
  override readonly name = "ChannelUrlError";
  /** The form to write, with words in capitals to be replaced. */
  readonly hint: string;

  /** `reason` is what is wrong, without anything of the URL but names. */
  constructor(reason: string, hint: string) {
    super(`Cannot use the URL: ${reason}`);
    this.hint = hint;
  }
}

/** Its parts, percent-decoded. */
export interface GivenUrl {
  /** In lower case. */
  readonly scheme: string;
  /** What stands before the host; null without an `@`. */
  readonly user: string | null;
  /** What stands after the first colon before the `@`; null without one. */
  readonly password: string | null;
  /** Host and port as given, or whatever stands there. */
  readonly authority: string;
  /** The parts of the path that are not empty. */
  readonly segments: readonly string[];
  /** Options by name; names are in lower case but for those after `+`, `-` and `:`. */
  readonly options: ReadonlyMap<string, string>;
}

/** Takes a URL apart. Throws {@linkcode ChannelUrlError}. */
export function parseGivenUrl(text: string): GivenUrl {
  const trimmed = text.trim();
  const [, scheme, authority, path, query] =
    /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?]*)([^?]*)(?:\?(.*))?$/s.exec(trimmed) ?? [];
  if (scheme === undefined) {
    throw new ChannelUrlError(
      "it has no scheme",
      "write SCHEME://…, as ntfy://HOST/TOPIC or https://HOST/PATH",
    );
  }
  if (hasControls(trimmed) || trimmed.includes(" ")) {
    throw new ChannelUrlError(
      "it has spaces or control characters",
      "write a space as %20; put the URL in quotes",
    );
  }
  const at = authority!.lastIndexOf("@");
  const login = at < 0 ? null : authority!.slice(0, at);
  const colon = login?.indexOf(":") ?? -1;
  return {
    scheme: scheme.toLowerCase(),
    user: login === null ? null : decode(colon < 0 ? login : login.slice(0, colon)),
    password: login === null || colon < 0 ? null : decode(login.slice(colon + 1)),
    authority: decode(authority!.slice(at + 1)),
    segments: path!.split("/").filter((segment) => segment !== "").map(decode),
    options: optionsOf(query ?? ""),
  };
}

function optionsOf(query: string): Map<string, string> {
  const options = new Map<string, string>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const [, name, value] = /^([^=]*)=?(.*)$/s.exec(pair)!;
    const decoded = decode(name!);
    // A plus stands for itself: passwords are full of them.
    options.set(/^[+\-:@$]/.test(decoded) ? decoded : decoded.toLowerCase(), decode(value!));
  }
  return options;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ChannelUrlError(
      "it has a % that begins no character",
      "write a percent sign as %25",
    );
  }
}

/** The value of the first of these options that is given. */
export function option(given: GivenUrl, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = given.options.get(name);
    if (value !== undefined && value !== "") return value;
  }
  return undefined;
}

/** Whether an option says yes, or undefined when it is not given. */
export function yes(given: GivenUrl, ...names: readonly string[]): boolean | undefined {
  const value = option(given, ...names)?.toLowerCase();
  return value === undefined ? undefined : ["yes", "true", "1", "on", "y"].includes(value);
}

/** The one thing in a list. Throws {@linkcode ChannelUrlError} for none or several. */
export function onlyOne(
  found: readonly string[],
  about: { readonly what: string; readonly hint: string },
): string {
  if (found.length === 1) return found[0]!;
  const reason = found.length === 0
    ? `it names no ${about.what}`
    : `it names ${found.length} ${about.what}s, and a channel has one`;
  const hint = found.length === 0 ? about.hint : `add a channel for each: ${about.hint}`;
  throw new ChannelUrlError(reason, hint);
}

/** What a URL of HTTP is made of. */
export interface Place {
  /** Whether it is https. */
  readonly secure: boolean;
  /** With its port. */
  readonly authority: string;
  /** Of its path, not encoded. */
  readonly segments: readonly string[];
}

/** The URL, checked. Throws {@linkcode ChannelUrlError}. */
export function httpUrl({ secure, authority, segments }: Place, hint: string): URL {
  const path = segments.map(encodeURIComponent).join("/");
  const url = URL.parse(`${secure ? "https" : "http"}://${authority}/${path}`);
  // Whatever else stands in a host would end it.
  if (url === null || url.hostname === "" || /[/?#@\\]/.test(authority)) {
    throw new ChannelUrlError("its host can't be one", hint);
  }
  return url;
}

/** `Basic …` for HTTP. */
export function basic(user: string, password: string): string {
  return `Basic ${new TextEncoder().encode(`${user}:${password}`).toBase64()}`;
}
