/**
 * The daemon with a clock that its test puts on, as a program: by a minute at each `SIGUSR2`.
 * Everything else comes from the environment, as for the real one. Beside a real Engine a clock that
 * runs faster would make of a slow answer one that never comes.
 *
 * @module
 */

import { resolveConfig } from "../../src/config.ts";
import { runDaemon } from "../../src/daemon.ts";
import { Log } from "../../src/telemetry/log.ts";
import { SkippedClock } from "./skipped_clock.ts";

const clock = new SkippedClock();
Deno.addSignalListener("SIGUSR2", () => clock.skip(60_000));
const config = resolveConfig({ flags: {}, env: (name) => Deno.env.get(name) });
const log = new Log({ level: "debug", format: "json" });
Deno.exit(await runDaemon(config, { log, version: "test", clock }));
