/**
 * Caddy before a daemon, as the README has it. Must not know what is asked through it.
 *
 * @module
 */

import { assertStringIncludes } from "@std/assert";
import { freePort } from "./free_port.ts";
import { LivingDaemon } from "./living_daemon.ts";
import { Running, type TestHost } from "./program.ts";
import { until } from "./until.ts";

const README = await Deno.readTextFile(new URL("../../README.md", import.meta.url));

/** Whether there is one here. */
export const CADDY: boolean = await new Deno.Command("caddy", { args: ["version"] }).output()
  .then(() => true, () => false);

/** A daemon behind Caddy. */
export interface BehindCaddy extends AsyncDisposable {
  readonly daemon: LivingDaemon;
  readonly caddy: Running;
  /** Where people reach the daemon, `http://127.0.0.1:PORT/tinyforge`. */
  readonly base: string;
}

/** Starts both. */
export async function behindCaddy(host: TestHost): Promise<BehindCaddy> {
  const [own, before] = [freePort(), freePort()];
  const base = `http://127.0.0.1:${before}/tinyforge`;
  const file = `${host.dir}/Caddyfile`;
  const block = /```\n(# Caddyfile[^`]*)```/.exec(README)![1]!
    .replace("ops.example.org {", `http://127.0.0.1:${before} {`)
    .replaceAll("127.0.0.1:7475", `127.0.0.1:${own}`);
  assertStringIncludes(block, `reverse_proxy /tinyforge* 127.0.0.1:${own}`);
  await Deno.writeTextFile(file, `{\n admin off\n auto_https off\n}\n${block}`);
  host.env["TINYFORGE_LISTEN"] = `127.0.0.1:${own}`;
  host.env["TINYFORGE_BASE_URL"] = base;
  const daemon = new LivingDaemon(host);
  const caddy = new Running(
    new Deno.Command("caddy", {
      args: ["run", "--config", file, "--adapter", "caddyfile"],
      clearEnv: true,
      env: { HOME: host.dir, PATH: host.env["PATH"]! },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
  const both = {
    daemon,
    caddy,
    base,
    async [Symbol.asyncDispose]() {
      await caddy[Symbol.asyncDispose]();
      await daemon[Symbol.asyncDispose]();
    },
  };
  try {
    await until("both listen", async () => {
      const answer = await fetch(`${base}/livez`).catch(() => null);
      return answer !== null && await answer.text() === "ok\n";
    }, { withinMs: 20_000 });
  } catch (error) {
    await both[Symbol.asyncDispose]();
    throw error;
  }
  return both;
}
