/**
 * Which hosts are this machine itself. Pure: what a name resolves to is not asked.
 *
 * @module
 */

// Whole: a name like `127.example.org` is anybody's. Names below localhost are local (RFC 6761), and
// an IPv4 address is so however short it is written, or within IPv6 as URLs and sockets show it.
const LOOPBACK =
  /^(?:(?:.+\.)?localhost\.?|(?:::ffff:)?127(?:\.\d+){1,3}|::1|::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4})$/i;

/**
 * Whether a host is this machine: `localhost`, `127.0.0.0/8`, `::1`. As it stands in a URL (IPv6 in
 * brackets) or by itself.
 */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host.replace(/^\[(.*)\]$/, "$1"));
}
