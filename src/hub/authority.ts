/**
 * The certificate of an authority that a person names, so that a hub's own is believed: read from its
 * file, and nothing kept of it but certificates. Asks no hub.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { Failure } from "../failure.ts";
import { unreadableReason } from "../system/files.ts";
import { quotePath } from "../text.ts";

/** Longest file that is read, bytes: a bundle of a system has less. */
const MAX_BYTES = 1 << 20;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/**
 * The certificates in a PEM file, one after the other; whatever else is in it is left out.
 *
 * @throws {Failure} `hub`
 */
export async function readAuthority(path: string): Promise<string> {
  let text: string;
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_BYTES) throw new RangeError(`it has more than ${MAX_BYTES} bytes`);
    text = await Deno.readTextFile(path);
  } catch (cause) {
    throw unusable(path, unreadableReason(cause), cause);
  }
  const found = text.match(CERTIFICATE) ?? [];
  if (found.length === 0) throw unusable(path, "there is no certificate in it");
  for (const pem of found) {
    try {
      new X509Certificate(pem);
    } catch (cause) {
      throw unusable(path, "a certificate in it can't be read", cause);
    }
  }
  return found.map((pem) => `${pem}\n`).join("");
}

function unusable(path: string, reason: string, cause?: unknown): Failure {
  return new Failure("hub", `Cannot use ${quotePath(path)} as an authority: ${reason}`, {
    data: { wrong: "authority" },
    cause,
  });
}
