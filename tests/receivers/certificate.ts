/**
 * Certificates of a test's own, made by openssl: an authority and a server that it signed.
 *
 * @module
 */

import { join } from "@std/path";

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
    const at = (file: string) => join(dir, file);
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const authority = [
      "-keyout",
      at("ca.key"),
      "-out",
      at("ca.pem"),
      "-subj",
      "/CN=test authority",
    ];
    await openssl(["req", "-x509", ...key, ...authority, "-days", "2"]);
    await openssl(["req", ...key, "-keyout", at("key"), "-out", at("csr"), "-subj", `/CN=${name}`]);
    await Deno.writeTextFile(
      at("extensions"),
      `subjectAltName=DNS:${name}\nbasicConstraints=CA:FALSE\n`,
    );
    const signed = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2"];
    await openssl([
      ...["x509", "-req", "-in", at("csr"), "-out", at("cert")],
      ...[...signed, "-extfile", at("extensions")],
    ]);
    return {
      ca: await Deno.readTextFile(at("ca.pem")),
      cert: await Deno.readTextFile(at("cert")),
      key: await Deno.readTextFile(at("key")),
    };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function openssl(args: readonly string[]): Promise<void> {
  const command = new Deno.Command("openssl", { args: [...args], stdout: "null", stderr: "piped" });
  const { success, stderr } = await command.output();
  if (!success) throw new Error(`openssl ${args[0]}: ${new TextDecoder().decode(stderr)}`);
}
