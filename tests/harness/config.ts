/**
 * Configurations for tests: what the program would run with, told nothing by this machine.
 *
 * @module
 */

import { type Config, resolveConfig } from "../../src/config.ts";
import type { DockerHost } from "../../src/docker_host.ts";

const NOWHERE: DockerHost = { kind: "unix", path: "/nowhere/docker.sock" };

const UNTOLD = { isTerminal: () => false, machineName: () => "nas" };

/** The defaults, with `changes` in their place; on an Engine that is nowhere unless `host` is told. */
export function testConfig(
  { host = NOWHERE, ...changes }: Partial<Config> & { host?: DockerHost } = {},
): Config {
  const flags = { "data-dir": "/nowhere", "docker-host": "unix:///nowhere", listen: "none" };
  const config = resolveConfig({ flags, env: () => undefined, ...UNTOLD });
  return { ...config, docker: host, ...changes };
}
