/**
 * Certificates of a test's own, as texts: an authority and a server that it signed.
 *
 * @module
 */

import { Authority } from "../harness/certificates.ts";

/** PEM texts. */
export interface TestCertificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** A certificate for this name, by an authority that nobody else trusts. */
export async function certificateFor(name: string): Promise<TestCertificate> {
  const dir = await Deno.makeTempDir();
  try {
    const authority = await Authority.make(dir);
    const { cert, key } = await authority.issue(name, `DNS:${name}`);
    return {
      ca: authority.pem,
      cert: await Deno.readTextFile(cert),
      key: await Deno.readTextFile(key),
    };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
