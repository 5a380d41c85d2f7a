/**
 * The dev task's loop: what is run is what was last changed and can be run.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { runOnChange } from "../../src/dev/dev.ts";
import { until } from "../harness/until.ts";

Deno.test("runOnChange() runs anew what changed, unless it can't be run, and ends with it", async () => {
  const folder = await Deno.makeTempDir({ prefix: "tinyforge-dev-" });
  const [source, log] = [join(folder, "source"), join(folder, "log")];
  await Deno.mkdir(source);
  await Deno.writeTextFile(join(source, "version"), "1");
  const seen = () => Deno.readTextFile(log).catch(() => "");
  const script = `trap 'echo "stop $v" >> ${log}; exit' TERM; v=$(cat ${source}/version); ` +
    `echo "start $v" >> ${log}; while :; do sleep 0.02; done`;
  const said: string[] = [];
  const stopping = new AbortController();
  const loop = runOnChange({
    watch: [source],
    check: ["sh", "-c", `! grep -q broken ${source}/version`],
    run: ["sh", "-c", script],
    signal: stopping.signal,
    say: (line) => said.push(line),
  });
  try {
    await until("it runs", async () => await seen() === "start 1\n");
    await Deno.writeTextFile(join(source, "version"), "broken");
    await until("it was told", () => Promise.resolve(said.length === 1));
    assertEquals(await seen(), "start 1\n");
    await Deno.writeTextFile(join(source, "version"), "2");
    await until("it runs anew", async () => await seen() === "start 1\nstop 1\nstart 2\n");
  } finally {
    stopping.abort();
    await loop;
  }
  assertEquals(await seen(), "start 1\nstop 1\nstart 2\nstop 2\n");
  assertEquals(said, [
    "the change doesn't compile; what runs is from before it",
    "changed, starting anew",
  ]);
  await Deno.remove(folder, { recursive: true });
});
