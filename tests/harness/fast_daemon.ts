/**
 * The daemon with a clock that runs faster, as a program: `fast_daemon.ts FACTOR`. Everything else
 * comes from the environment, as for the real one.
 *
 * @module
 */

import { resolveConfig } from "../../src/config.ts";
import { runDaemon } from "../../src/daemon.ts";
import { Log } from "../../src/telemetry/log.ts";
import { fastClock } from "./rig.ts";

const config = resolveConfig({ flags: {}, env: (name) => Deno.env.get(name) });
const log = new Log({ level: "debug", format: "json" });
Deno.exit(
  await runDaemon(config, { log, version: "test", clock: fastClock(Number(Deno.args[0])) }),
);
