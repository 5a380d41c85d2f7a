/**
 * Which addresses may be dialled for a notification. Judges addresses, never names: whoever
 * resolves a name asks here before dialling, and dials what was asked about. Pure.
 *
 * @module
 */

/** Why an address may not be dialled. */
export type AddressRefusal =
  | "unspecified"
  | "link-local"
  | "metadata"
  | "multicast"
  | "reserved"
  | "loopback"
  | "malformed";

interface Range {
  readonly prefix: Uint8Array;
  readonly bits: number;
  readonly because: AddressRefusal;
}

/** Where clouds tell a machine its secrets, besides the link-local addresses. */
const METADATA: readonly string[] = [
  "100.100.100.200/32", // Alibaba
  "192.0.0.192/32", // Oracle
  "168.63.129.16/32", // Azure
  "fd00:ec2::/32", // Amazon
  "fd20:ce::/32", // Google
];

const REFUSED: readonly Range[] = [
  ...METADATA.map((cidr) => range(cidr, "metadata")),
  range("0.0.0.0/8", "unspecified"),
  range("127.0.0.0/8", "loopback"),
  range("169.254.0.0/16", "link-local"),
  range("224.0.0.0/4", "multicast"),
  range("240.0.0.0/4", "reserved"),
  range("::/128", "unspecified"),
  range("::1/128", "loopback"),
  range("fe80::/10", "link-local"),
  range("ff00::/8", "multicast"),
];

/** IPv6 addresses that stand for an IPv4 address, and where in them it is. */
const EMBEDDING: readonly { range: Range; at: number; inverted?: boolean }[] = [
  { range: range("::ffff:0:0/96", "malformed"), at: 12 }, // mapped
  { range: range("::ffff:0:0:0/96", "malformed"), at: 12 }, // translated
  { range: range("::/96", "malformed"), at: 12 }, // compatible
  { range: range("64:ff9b::/96", "malformed"), at: 12 }, // NAT64
  { range: range("64:ff9b:1::/48", "malformed"), at: 12 }, // NAT64 of one's own
  { range: range("2002::/16", "malformed"), at: 2 }, // 6to4
  { range: range("2001::/32", "malformed"), at: 12, inverted: true }, // Teredo
];

/**
 * Why this address may not be dialled, or null when it may. Private ranges may be: that is where
 * people's own receivers live.
 */
export function refusalOf(
  address: string,
  options: { readonly allowLoopback: boolean },
): AddressRefusal | null {
  const bytes = parseAddress(address);
  if (bytes === null) return "malformed";
  const refused = REFUSED.find((candidate) => contains(candidate, bytes))?.because;
  if (refused !== undefined) {
    return refused === "loopback" && options.allowLoopback ? null : refused;
  }
  for (const { range, at, inverted } of EMBEDDING) {
    if (!contains(range, bytes)) continue;
    const inner = bytes.slice(at, at + 4).map((byte) => inverted ? byte ^ 0xff : byte);
    return refusalOf(inner.join("."), options);
  }
  return null;
}

/** Whether the text is an address, not a name. As in a URL's host, but without brackets. */
export function isAddress(text: string): boolean {
  return parseAddress(text) !== null;
}

/** 4 or 16 bytes, or null when it is no address in its common form. */
function parseAddress(text: string): Uint8Array | null {
  // A zone says which interface, which is for link-local addresses alone.
  const bare = text.replace(/%.*$/s, "");
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(bare)) {
    const bytes = bare.split(".").map(Number);
    return bytes.every((byte) => byte <= 255) ? Uint8Array.from(bytes) : null;
  }
  if (!/^[0-9a-f:.]+$/i.test(bare) || !bare.includes(":")) return null;
  // The URL parser knows every way of writing one, and answers with one of them.
  const hostname = URL.parse(`http://[${bare}]`)?.hostname;
  if (hostname === undefined) return null;
  const [head = "", tail] = hostname.slice(1, -1).split("::");
  const words = (part: string | undefined) => part ? part.split(":") : [];
  const left = words(head);
  const right = words(tail);
  const zeros: string[] = Array(8 - left.length - right.length).fill("0");
  return Uint8Array.from(
    [...left, ...zeros, ...right].flatMap((word) => {
      const value = parseInt(word, 16);
      return [value >> 8, value & 0xff];
    }),
  );
}

function range(cidr: string, because: AddressRefusal): Range {
  const [address = "", bits = ""] = cidr.split("/");
  return { prefix: parseAddress(address)!, bits: Number(bits), because };
}

function contains({ prefix, bits }: Range, bytes: Uint8Array): boolean {
  if (prefix.length !== bytes.length) return false;
  for (let i = 0; i * 8 < bits; i++) {
    const mask = 0xff << Math.max(0, 8 - (bits - i * 8)) & 0xff;
    if ((prefix[i]! & mask) !== (bytes[i]! & mask)) return false;
  }
  return true;
}
