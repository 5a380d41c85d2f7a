/**
 * Secrets: how one is made, what it is found by, and how two are compared. Knows nothing of what
 * they open.
 *
 * @module
 */

/** A new secret: 256 random bits, URL-safe, 43 characters. */
export function makeSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}

/** Whether it looks like one that was made here. Anything else is not looked up. */
export function looksLikeSecret(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text);
}

/** What a secret is found by: its SHA-256, base64url without padding. */
export function hashSecret(secret: string): string {
  return sha256Text(secret);
}

/** SHA-256 of a text, base64url without padding. */
export function sha256Text(text: string): string {
  // Loaded when first needed: that takes longer than most commands do, and few need it.
  // deno-lint-ignore no-process-global -- nothing else loads a module without waiting for it
  const { hash } = process.getBuiltinModule("node:crypto");
  return hash("sha256", text, "base64url");
}

/** Whether two secrets are the same. How long it takes tells no more than the kept one's length. */
export function isSameSecret(given: string, kept: string): boolean {
  let difference = given.length ^ kept.length;
  for (let i = 0; i < kept.length; i++) {
    difference |= (given.charCodeAt(i) || 0) ^ kept.charCodeAt(i);
  }
  return difference === 0;
}

/** Lower-case hexadecimal SHA-256. */
export async function sha256Of(content: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", content)).toHex();
}
