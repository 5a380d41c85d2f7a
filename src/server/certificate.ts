/**
 * The certificate that TCP listens with: read from its files, held against its key, and read again
 * when told to. One that can't be used changes nothing but the log.
 *
 * @module
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { Failure, type FailureData } from "../failure.ts";
import { unreadableReason } from "../system/files.ts";
import { distrust } from "../system/private.ts";
import type { Log } from "../telemetry/log.ts";
import { quotePath } from "../text.ts";

/** Paths of PEM files. */
export interface CertificateFiles {
  /** The certificate, and after it those between it and an authority. */
  readonly cert: string;
  /** Its private key, not encrypted. */
  readonly key: string;
}

/** What the files hold. */
export interface Pem {
  /** The certificate and those after it. */
  readonly cert: string;
  /** The key. */
  readonly key: string;
}

/** So long before its end it is told of, milliseconds. */
const SOON_MS = 14 * 86_400_000;

/** A certificate in files, which somebody renews. */
export class Certificate {
  readonly #files: CertificateFiles;
  readonly #log: Log;
  readonly #users = new Set<(pem: Pem) => void>();
  #pem: Pem;

  private constructor(files: CertificateFiles, pem: Pem, log: Log) {
    this.#files = files;
    this.#pem = pem;
    this.#log = log;
  }

  /**
   * Reads it.
   *
   * @throws {Failure} `certificate`
   */
  static async open(files: CertificateFiles, { log }: { log: Log }): Promise<Certificate> {
    const { pem, validTo } = await read(files);
    tellOfEnd(validTo, files, log);
    return new Certificate(files, pem, log);
  }

  /** As it was read last. */
  get pem(): Pem {
    return this.#pem;
  }

  /** Calls `use` with each one that replaces it, until the answer is called. */
  onChange(use: (pem: Pem) => void): () => void {
    this.#users.add(use);
    return () => void this.#users.delete(use);
  }

  /** Reads the files again; connections that are open go on as they are. Never rejects. */
  async reload(): Promise<void> {
    const path = this.#files.cert;
    try {
      const { pem, validTo } = await read(this.#files);
      if (pem.cert === this.#pem.cert && pem.key === this.#pem.key) return;
      this.#pem = pem;
      for (const use of this.#users) use(pem);
      this.#log.info("certificate replaced", { path, until: validTo.toISOString() });
      tellOfEnd(validTo, this.#files, this.#log);
    } catch (error) {
      this.#log.warn("certificate not replaced, the one before stays in use", { path, error });
    }
  }
}

async function read(files: CertificateFiles): Promise<{ pem: Pem; validTo: Date }> {
  const [cert, key] = await Promise.all([
    readPem(files.cert, "certificate"),
    readPem(files.key, "key"),
  ]);
  const parsed = parse("certificate", files.cert, () => new X509Certificate(cert));
  const privateKey = parse("key", files.key, () => createPrivateKey(key));
  if (!parsed.checkPrivateKey(privateKey)) {
    throw unusable("key", files.key, `it is not the key of ${quotePath(files.cert)}`, "other");
  }
  return { pem: { cert, key }, validTo: new Date(parsed.validTo) };
}

type What = FailureData["certificate"]["what"];

async function readPem(path: string, what: What): Promise<string> {
  let info: Deno.FileInfo;
  let text: string;
  try {
    // Renewed ones are mostly links to where the newest is.
    info = await Deno.stat(path);
    text = await Deno.readTextFile(path);
  } catch (cause) {
    throw unusable(what, path, unreadableReason(cause), "file", cause);
  }
  const wrong = distrust(path, info);
  if (wrong !== null) throw unusable(what, path, wrong.reason, "file");
  return text;
}

function parse<T>(what: What, path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw unusable(what, path, `no ${what} in PEM form is in it`, "form", cause);
  }
}

function unusable(
  what: What,
  path: string,
  reason: string,
  wrong: FailureData["certificate"]["wrong"],
  cause?: unknown,
): Failure<"certificate"> {
  return new Failure("certificate", `Cannot use the ${what} ${quotePath(path)}: ${reason}`, {
    data: { what, wrong },
    ...(cause !== undefined && { cause }),
  });
}

function tellOfEnd(validTo: Date, { cert }: CertificateFiles, log: Log): void {
  if (validTo.getTime() - Date.now() > SOON_MS) return;
  log.warn("certificate is over soon, or already", { path: cert, until: validTo.toISOString() });
}
