/**
 * `tinyforge healthcheck`: for a container's HEALTHCHECK, whose exit codes are 0 and 1 alone.
 *
 * @module
 */

import type { Config } from "../../config.ts";
import { quotePath } from "../../text.ts";
import { EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { findDaemon } from "../daemon_socket.ts";
import { refuseWithout } from "../other_daemon.ts";

const TIMEOUT_MS = 5000;

/** Asks the daemon whether it is ready. */
export async function run(invocation: InvocationOf<"healthcheck">): Promise<number> {
  const health = await ask(invocation.config());
  if (invocation.on("json")) invocation.out.json(health);
  else invocation.out.lines(health.ready ? "ready" : `not ready: ${health.reason}`);
  return health.ready ? EXIT.done : EXIT.failed;
}

/** What `--json` prints. */
interface Health {
  readonly ready: boolean;
  /** Why not; null when it is. */
  readonly reason: string | null;
}

async function ask(config: Config): Promise<Health> {
  const { dataDir } = config;
  try {
    using daemon = await findDaemon(dataDir);
    if (daemon === null) {
      await refuseWithout("ask the daemon", config);
      return { ready: false, reason: `no daemon listens in ${quotePath(dataDir)}` };
    }
    const { ok, text } = await daemon.ask("/readyz?verbose", { timeoutMs: TIMEOUT_MS });
    return ok ? { ready: true, reason: null } : { ready: false, reason: failed(text) };
  } catch (error) {
    // Docker knows two exit codes of a health check; whatever went wrong is the one for no.
    return { ready: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** The checks that failed, `recent-pass: no good pass`; or why none was made. */
function failed(text: string): string {
  const { checks, detail } = JSON.parse(text) as {
    checks?: readonly { name: string; ok: boolean; detail: string }[];
    detail?: string;
  };
  if (checks === undefined) return detail ?? "the daemon does not say why";
  return checks.filter((check) => !check.ok).map(({ name, detail }) => `${name}: ${detail}`)
    .join(", ");
}
