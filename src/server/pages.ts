/**
 * The dashboard's files: which of them answers a path, in the smallest form that the browser takes,
 * and what the browser may do with them. Knows no disk and no token: the files say nothing of this
 * host, so that everyone who reaches the listener may have them.
 *
 * @module
 */

/** One file, as it was built. */
export interface Asset {
  /** Media type, with its charset. */
  readonly type: string;
  /** As it is. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The same, compressed. */
  readonly gzip?: Uint8Array<ArrayBuffer>;
  /** The same, compressed. */
  readonly br?: Uint8Array<ArrayBuffer>;
  /** Its name changes with its content, so that it can be kept for ever. */
  readonly immutable: boolean;
}

/** Path from the root, as `/app-1a2b3c.js`, → the file. */
export type Assets = ReadonlyMap<string, Asset>;

/** Answers a GET or HEAD with a page or a file of one; null where there is none. */
export type Pages = (request: PageRequest) => Response | null;

/** What of a request matters. */
export interface PageRequest {
  /** Without a prefix that a proxy put before it. */
  readonly path: string;
  /** `accept`, `accept-encoding`. */
  readonly headers: Headers;
}

/** The page; it finds out by itself which view a path is. */
const INDEX = "/index.html";
/** Stands in that page for the path that it is reached under, without a final slash. */
const BASE = "__BASE__";

/** What a page may do: load what this server has, and nothing else. */
export const PAGE_POLICY: string = "default-src 'none'; script-src 'self'; style-src 'self'; " +
  "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; " +
  "frame-ancestors 'none'; require-trusted-types-for 'script'";

/**
 * The pages made of these files. `base`: what stands before every path where people reach them, as
 * `/tinyforge`; nothing by default.
 */
export function pages(assets: Assets, { base = "" }: { base?: string } = {}): Pages {
  const index = pageUnder(base, assets.get(INDEX));
  return ({ path, headers }) => {
    const asset = path === INDEX ? undefined : assets.get(path);
    if (asset !== undefined) return answer(asset, headers);
    if (index === undefined || isReserved(path) || !takesHtml(headers)) return null;
    return answer(index, headers);
  };
}

/** The page is small: one of another base is sent as it is. */
function pageUnder(base: string, page: Asset | undefined): Asset | undefined {
  if (page === undefined) return undefined;
  const text = new TextDecoder().decode(page.body);
  if (!text.includes(BASE)) return page;
  const body = new TextEncoder().encode(text.replaceAll(BASE, attribute(base)));
  return { type: page.type, body, immutable: false };
}

/** Whoever named the base may use what would end an attribute. */
function attribute(text: string): string {
  return text.replace(/[&"'<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** What programs ask for is answered to programs, also where it is not there. */
function isReserved(path: string): boolean {
  return /^\/(?:api|hooks|problems)(?:\/|$)/.test(path);
}

function takesHtml(headers: Headers): boolean {
  return /(?:^|[,\s])text\/html(?:[\s;,]|$)/i.test(headers.get("accept") ?? "");
}

function answer(asset: Asset, headers: Headers): Response {
  const [encoding, body] = smallest(asset, headers.get("accept-encoding") ?? "");
  return new Response(body, {
    headers: {
      "content-type": asset.type,
      "cache-control": asset.immutable ? "public, max-age=31536000, immutable" : "no-cache",
      "content-security-policy": PAGE_POLICY,
      vary: "accept-encoding",
      ...(encoding !== null && { "content-encoding": encoding }),
    },
  });
}

function smallest(
  { body, gzip, br }: Asset,
  accepted: string,
): [encoding: string | null, body: Uint8Array<ArrayBuffer>] {
  const takes = (name: string) =>
    accepted.split(",").some((each) => {
      const [coding = "", ...parameters] = each.split(";").map((part) => part.trim().toLowerCase());
      return coding === name && !parameters.some((part) => /^q=0(?:\.0*)?$/.test(part));
    });
  if (br !== undefined && takes("br")) return ["br", br];
  if (gzip !== undefined && takes("gzip")) return ["gzip", gzip];
  return [null, body];
}
