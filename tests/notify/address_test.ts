import { assertEquals } from "@std/assert";
import { isAddress, refusalOf } from "../../src/notify/address.ts";

const refused = (address: string): string | null => refusalOf(address, { allowLoopback: false });

Deno.test("refusalOf() lets through public and private addresses", () => {
  const allowed = [
    "1.1.1.1",
    "10.0.0.1",
    "172.17.0.1",
    "192.168.1.10",
    "100.64.0.1",
    "223.255.255.255",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "169.255.0.0",
    "2001:db8::1",
    "2a00:1450:4001:82a::200e",
    "fd12:3456:789a::1",
    "::ffff:192.168.1.10",
    "64:ff9b::0808:0808",
  ];
  assertEquals(allowed.map(refused), allowed.map(() => null));
});

Deno.test("refusalOf() refuses what no receiver has", () => {
  const cases: [string, string][] = [
    ["0.0.0.0", "unspecified"],
    ["0.1.2.3", "unspecified"],
    ["127.0.0.1", "loopback"],
    ["127.255.255.254", "loopback"],
    ["169.254.0.1", "link-local"],
    ["169.254.169.254", "link-local"],
    ["100.100.100.200", "metadata"],
    ["168.63.129.16", "metadata"],
    ["192.0.0.192", "metadata"],
    ["224.0.0.1", "multicast"],
    ["239.255.255.250", "multicast"],
    ["240.0.0.1", "reserved"],
    ["255.255.255.255", "reserved"],
    ["::", "unspecified"],
    ["::1", "loopback"],
    ["0:0:0:0:0:0:0:1", "loopback"],
    ["fe80::1", "link-local"],
    ["fe80::1%eth0", "link-local"],
    ["febf::1", "link-local"],
    ["ff02::1", "multicast"],
    ["fd00:ec2::254", "metadata"],
    ["fd20:ce::254", "metadata"],
  ];
  assertEquals(cases.map(([address]) => [address, refused(address)]), cases);
});

Deno.test("refusalOf() looks at the IPv4 address inside of an IPv6 address", () => {
  const cases: [string, string][] = [
    ["::ffff:169.254.0.1", "link-local"],
    ["::FFFF:A9FE:A9FE", "link-local"],
    ["::ffff:0:169.254.169.254", "link-local"],
    ["::169.254.169.254", "link-local"],
    ["64:ff9b::169.254.169.254", "link-local"],
    ["64:ff9b:1::169.254.169.254", "link-local"],
    ["2002:a9fe:a9fe::1", "link-local"],
    // Teredo keeps the client's address inverted.
    ["2001:0:1234::5601:5601", "link-local"],
    ["::ffff:127.0.0.1", "loopback"],
    ["::ffff:0.0.0.0", "unspecified"],
    ["64:ff9b::7f00:1", "loopback"],
  ];
  assertEquals(cases.map(([address]) => [address, refused(address)]), cases);
});

Deno.test("refusalOf() lets loopback through where the channel allows it, and nothing else", () => {
  const allowing = (address: string): string | null => refusalOf(address, { allowLoopback: true });
  assertEquals(["127.0.0.1", "::1", "::ffff:127.0.0.1"].map(allowing), [null, null, null]);
  assertEquals(
    ["0.0.0.0", "::", "169.254.169.254", "::ffff:169.254.0.1", "ff02::1"].map(allowing),
    ["unspecified", "unspecified", "link-local", "link-local", "multicast"],
  );
});

Deno.test("refusalOf() refuses what is no address", () => {
  const bad = ["", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "0x7f.0.0.1", "1::2::3", ":::"];
  assertEquals(bad.map(refused), bad.map(() => "malformed"));
  assertEquals(bad.map(isAddress), bad.map(() => false));
});
