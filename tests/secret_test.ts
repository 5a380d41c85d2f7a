import { assert, assertEquals, assertMatch } from "@std/assert";
import { hashSecret, isSameSecret, makeSecret, sha256Of } from "../src/secret.ts";

Deno.test("makeSecret() makes 256 bits that fit into a URL, other ones each time", () => {
  const secrets = new Set(Array.from({ length: 100 }, makeSecret));
  assertEquals(secrets.size, 100);
  for (const secret of secrets) assertMatch(secret, /^[A-Za-z0-9_-]{43}$/);
});

Deno.test("isSameSecret() is true for the same text only", () => {
  const kept = makeSecret();
  assert(isSameSecret(kept, kept));
  const last = kept.endsWith("A") ? "B" : "A";
  for (
    const given of [
      "",
      kept.slice(1),
      `${kept}A`,
      `${kept}\0`,
      kept.slice(0, -1) + last,
      "é".repeat(43),
    ]
  ) {
    assert(!isSameSecret(given, kept), given);
  }
  assert(isSameSecret("", ""));
  assert(!isSameSecret("\0", ""));
});

Deno.test("sha256Of() is lower-case hexadecimal", async () => {
  assertEquals(
    await sha256Of(new TextEncoder().encode("abc")),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});

Deno.test("hashSecret() is the SHA-256 that is kept in the database", async () => {
  const bytes = Uint8Array.fromHex(await sha256Of(new TextEncoder().encode("abc")));
  const kept = bytes.toBase64({ alphabet: "base64url", omitPadding: true });
  assertEquals(hashSecret("abc"), kept);
});
