import { assertEquals } from "@std/assert";
import { isLoopback } from "../src/loopback.ts";

Deno.test("isLoopback() knows what is on this machine, in a URL or by itself", () => {
  const near = [
    ...["localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1", "127.8.9.10", "127.1"],
    ...["::1", "[::1]", "::ffff:127.0.0.1", "::ffff:7f00:1", "[::ffff:7f00:1]"],
  ];
  for (const host of near) assertEquals(isLoopback(host), true, host);
  const far = [
    ...["", "128.0.0.1", "10.0.0.1", "localhost.example.com", "notlocalhost", "127.example.com"],
    ...["127.0.0.1.example.com", "127", "::", "0.0.0.0", "::2", "[::2]", "::ffff:10.0.0.1"],
    ...["::ffff:7e00:1", "[localhost", "127.0.0.1:80"],
  ];
  for (const host of far) assertEquals(isLoopback(host), false, host);
});

Deno.test("isLoopback() knows every way in which a URL writes this machine", () => {
  for (const host of ["[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "0x7f000001", "127.1"]) {
    assertEquals(isLoopback(new URL(`http://${host}:2375`).hostname), true, host);
  }
});
