/**
 * The part of a migration that SQL can't do: SQLite has no SHA-256.
 *
 * @module
 */

import type { Database } from "@db/sqlite";
import { hashSecret } from "../secret.ts";

/** Gives every workload the hash of its webhook secret. */
export function fillSecretHashes(db: Database): void {
  const update = db.prepare("UPDATE workloads SET webhook_secret_hash = ? WHERE id = ?");
  const secrets = db.prepare("SELECT id, webhook_secret FROM workloads").values<[string, string]>();
  for (const [id, secret] of secrets) update.run(hashSecret(secret), id);
  update.finalize();
}
