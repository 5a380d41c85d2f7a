/**
 * A machine of its own with a web server on port 80 and a proxy, both of which only count who
 * comes, and a simulated Engine. Runs the program's daemon and commands on it under each set of
 * proxy variables and prints what became of it as JSON. To be started where the network may be
 * played with: `unshare --net`.
 *
 *     behind_proxies.ts PROGRAM [ARGUMENT …]
 *
 * @module
 */

import { FakeEngine } from "../engines/scripted.ts";
import { run } from "../engines/run.ts";
import { until } from "../harness/until.ts";

const [program = "", ...first] = Deno.args;
await run("ip", ["link", "set", "lo", "up"]);

const PROXY = "http://127.0.0.1:3128";
const VARIABLES: Record<string, string>[] = [
  { NO_PROXY: "127.0.0.1" },
  { no_proxy: "127.0.0.0/8,localhost" },
  { NO_PROXY: "*" },
  { HTTP_PROXY: PROXY, HTTPS_PROXY: PROXY, ALL_PROXY: PROXY },
  { http_proxy: PROXY, all_proxy: PROXY, no_proxy: "example.com" },
];

const strays: string[] = [];
const stray = ({ method, url }: Request) => (
  strays.push(`${method} ${url}`), new Response("not for you", { status: 418 })
);
const quiet = { hostname: "127.0.0.1", onListen() {} };
await using _web = Deno.serve({ ...quiet, port: 80 }, stray);
await using _proxy = Deno.serve({ ...quiet, port: 3128 }, stray);

await using engine = await FakeEngine.start();
engine.add({ name: "web", labels: { "tinyforge.static-site": "none" } });
// The same Engine over TCP.
const tcp = Deno.listen({ hostname: "127.0.0.1", port: 2375 });
const bridging = (async () => {
  for await (const one of tcp) {
    const other = await Deno.connect({ transport: "unix", path: engine.path });
    one.readable.pipeTo(other.writable).catch(() => {});
    other.readable.pipeTo(one.writable).catch(() => {});
  }
})();

const results: Record<string, unknown>[] = [];
for (const variables of VARIABLES) {
  for (const dockerHost of [`unix://${engine.path}`, "tcp://127.0.0.1:2375"]) {
    results.push({ variables, dockerHost, ...await live(variables, dockerHost) });
  }
}
tcp.close();
await bridging;
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify({ strays, results })));

/** A daemon's short life and what commands say of it. */
async function live(
  variables: Record<string, string>,
  dockerHost: string,
): Promise<Record<string, unknown>> {
  const dataDir = await Deno.makeTempDir({ prefix: "tinyforge-proxies-" });
  await Deno.chmod(dataDir, 0o700);
  const env: Record<string, string> = { TINYFORGE_DATA_DIR: dataDir, TINYFORGE_LISTEN: "none" };
  // Of Deno itself, which the program is not run by where it is compiled.
  env["DENO_NO_UPDATE_CHECK"] = "1";
  env["TINYFORGE_DOCKER_HOST"] = dockerHost;
  for (const name of ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME", "DENO_SQLITE_PATH"]) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  const command = (...args: string[]) =>
    new Deno.Command(program, {
      args: [...first, ...args],
      clearEnv: true,
      env: { ...env, ...variables },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
  const said = async (...args: string[]) => {
    const { code, stdout, stderr } = await command(...args).output();
    const text = new TextDecoder();
    return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
  };
  const daemon = command("reconcile").spawn();
  const log = new Response(daemon.stderr).text();
  const out = new Response(daemon.stdout).text();
  try {
    await until("the daemon follows the Engine", () => engine.followers > 0, { withinMs: 15_000 });
    await until("it is ready", async () => (await said("healthcheck")).code === 0, {
      withinMs: 15_000,
    });
    const status = await said("status", "--json");
    const pass = await said("reconcile", "--once", "--json");
    const add = await said("add", "site", "web", "--json");
    const { daemon } = JSON.parse(status.stdout);
    const well = daemon?.engine.up && daemon.events.up && JSON.parse(pass.stdout).listed === 1 &&
      add.code === 0;
    return well ? { well } : { well: false, status, pass, add };
  } catch (error) {
    return { well: false, failed: String(error) };
  } finally {
    daemon.kill("SIGTERM");
    await daemon.status;
    await Promise.all([log, out]);
    await Deno.remove(dataDir, { recursive: true });
  }
}
