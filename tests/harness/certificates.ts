/**
 * Real certificates of an authority of the test's own, made by openssl.
 *
 * @module
 */

/** An authority in a directory. */
export class Authority {
  /** Its certificate, PEM. */
  readonly pem: string;
  readonly #dir: string;
  #made = 0;

  private constructor(dir: string, pem: string) {
    this.#dir = dir;
    this.pem = pem;
  }

  /** Makes one; its files stay in `dir`. */
  static async make(dir: string): Promise<Authority> {
    await openssl(dir, [
      ...["req", "-x509", ...NEW_KEY, "-keyout", "ca.key", "-out", "ca.pem"],
      ...["-days", "2", "-subj", "/CN=authority"],
    ]);
    return new Authority(dir, await Deno.readTextFile(`${dir}/ca.pem`));
  }

  /** A certificate for `names` whose subject is `name`; paths of it and its key. */
  async issue(
    name: string,
    names = "DNS:localhost,IP:127.0.0.1",
  ): Promise<{ cert: string; key: string }> {
    const dir = this.#dir;
    const base = `leaf-${++this.#made}`;
    const extensions = `subjectAltName=${names}\nbasicConstraints=CA:FALSE\n`;
    await Deno.writeTextFile(`${dir}/${base}.ext`, extensions);
    await openssl(dir, [
      ...["req", ...NEW_KEY, "-keyout", `${base}.key`, "-out", `${base}.csr`],
      ...["-subj", `/CN=${name}`],
    ]);
    await openssl(dir, [
      ...["x509", "-req", "-in", `${base}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key"],
      ...["-CAcreateserial", "-days", "2", "-extfile", `${base}.ext`, "-out", `${base}.pem`],
    ]);
    return { cert: `${dir}/${base}.pem`, key: `${dir}/${base}.key` };
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

async function openssl(cwd: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args, cwd }).output();
  if (!success) throw new Error(`openssl failed: ${new TextDecoder().decode(stderr)}`);
}
