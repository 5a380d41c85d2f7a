/**
 * Encryption of backups with age: to public keys when they are written, with a private key when
 * they are read. Must not keep or print a private key, and knows no passphrases.
 *
 * @module
 */

import { Decrypter, Encrypter } from "age-encryption";
import { Failure } from "../failure.ts";
import { quote } from "../text.ts";
import { damaged } from "./manifest.ts";

const PRIVATE_KEY = /^AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]+$/;

/**
 * Encrypts to all of these public keys; each one's private key can open it.
 *
 * @throws {Failure} `backup-recipient`
 */
export async function encrypt(
  content: ReadableStream<Uint8Array>,
  recipients: readonly string[],
): Promise<ReadableStream<Uint8Array>> {
  return await encrypterTo(recipients).encrypt(content);
}

/**
 * Refuses what is no public key.
 *
 * @throws {Failure} `backup-recipient`
 */
export function checkRecipients(recipients: readonly string[]): void {
  encrypterTo(recipients);
}

/**
 * The private keys in a key file as `age-keygen` writes it.
 *
 * @throws {Failure} `backup-key`
 */
export function parseIdentities(text: string): string[] {
  const lines = text.split("\n").map((line) => line.trim());
  const keys = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (keys.length === 0 || !keys.every((key) => PRIVATE_KEY.test(key))) {
    throw keyFailure("malformed", "the key file has something else than private keys in it");
  }
  return keys;
}

/**
 * Decrypts with whichever of the private keys fits. What comes out may be used only when all of it
 * came: the end of a file that was cut short or changed is an error of the stream.
 *
 * @throws {Failure} `backup-key`, `backup-damaged`.
 */
export async function decrypt(
  content: ReadableStream<Uint8Array>,
  identities: readonly string[],
): Promise<ReadableStream<Uint8Array>> {
  if (identities.length === 0) {
    await content.cancel();
    throw keyFailure("none", "it is encrypted");
  }
  const decrypter = new Decrypter();
  try {
    for (const identity of identities) decrypter.addIdentity(identity);
  } catch (cause) {
    await content.cancel();
    throw keyFailure("malformed", "a private key is not complete", cause);
  }
  try {
    return await decrypter.decrypt(content);
  } catch (cause) {
    const told = cause instanceof Error ? cause.message : "";
    if (told.includes("no identity matched")) {
      throw keyFailure("wrong", "it is encrypted to other keys", cause);
    }
    throw damaged("its head was cut short or changed", cause);
  }
}

function encrypterTo(recipients: readonly string[]): Encrypter {
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (cause) {
      throw new Failure(
        "backup-recipient",
        `Cannot encrypt to ${quote(recipient, 80)}: not a public key of age`,
        { data: { recipient }, cause },
      );
    }
  }
  return encrypter;
}

function keyFailure(
  why: "none" | "wrong" | "malformed",
  reason: string,
  cause?: unknown,
): Failure<"backup-key"> {
  return new Failure("backup-key", `Cannot read the backup: ${reason}`, { data: { why }, cause });
}
