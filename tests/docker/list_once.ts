/**
 * Lists the containers of the Engine named by its argument and prints what became of it as JSON:
 * to be started with other rights than a test has.
 *
 * @module
 */

import { DockerClient } from "../../src/docker/client.ts";
import { hintFor } from "../../src/cli/words.ts";
import { Failure } from "../../src/failure.ts";
import { parseDockerHost } from "../../src/docker_host.ts";

let result: unknown;
try {
  const env = (name: string) => Deno.env.get(name);
  using client = new DockerClient({ host: parseDockerHost(Deno.args[0] ?? "", { env }) });
  result = { count: (await client.list()).containers.length };
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  result = { code: error.code, message: error.message, hint: hintFor(error) };
}
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(result)));
