/**
 * Follows the events of the Engine named by its argument, collects garbage, aborts, and prints
 * `aborted` when that ended it. To be started with `--v8-flags=--expose-gc`.
 *
 * @module
 */

import { DockerClient } from "../../src/docker/client.ts";
import { parseDockerHost } from "../../src/docker_host.ts";

using client = new DockerClient({ host: parseDockerHost(Deno.args[0] ?? "") });
const controller = new AbortController();
const open = Promise.withResolvers<void>();

async function follow(): Promise<string> {
  try {
    for await (const _ of client.events({ signal: controller.signal, onOpen: open.resolve }));
    return "ended";
  } catch (error) {
    return error === controller.signal.reason ? "aborted" : String(error);
  }
}

const following = follow();
await open.promise;
for (let i = 0; i < 3; i++) {
  await client.ping();
  (globalThis as unknown as { gc(): void }).gc();
}
controller.abort();
const late = new Promise<string>((resolve) => setTimeout(resolve, 5000, "still waiting"));
Deno.stdout.writeSync(new TextEncoder().encode(await Promise.race([following, late])));
Deno.exit();
