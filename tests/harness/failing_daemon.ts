/**
 * The daemon, and an error that nobody catches as soon as it owns its data directory and runs:
 * `failing_daemon.ts thrown` or `rejected`.
 *
 * @module
 */

import { resolveConfig } from "../../src/config.ts";
import { runDaemon } from "../../src/daemon.ts";
import { Log } from "../../src/telemetry/log.ts";

const config = resolveConfig({ flags: {}, env: (name) => Deno.env.get(name) });
const log = new Log({
  write: (line) => {
    Deno.stderr.writeSync(line);
    if (!new TextDecoder().decode(line).includes('"started"')) return;
    const error = new TypeError("nobody catches this");
    setTimeout(() => {
      if (Deno.args[0] === "thrown") throw error;
      else void Promise.reject(error);
    });
  },
});
Deno.exit(await runDaemon(config, { log, version: "test" }));
