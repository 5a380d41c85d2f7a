/**
 * Lists the containers of the Engine named by its argument and prints what became of it as JSON:
 * to be started with other rights than a test has.
 *
 * @module
 */

import { DockerClient } from "../../src/docker/client.ts";
import { DockerError } from "../../src/docker/error.ts";
import { parseDockerHost } from "../../src/docker/host.ts";

let result: unknown;
try {
  const env = (name: string) => Deno.env.get(name);
  using client = new DockerClient({ host: parseDockerHost(Deno.args[0] ?? "", { env }) });
  result = { count: (await client.list()).containers.length };
} catch (error) {
  if (!(error instanceof DockerError)) throw error;
  result = { kind: error.kind, message: error.message, hint: error.hint };
}
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(result)));
