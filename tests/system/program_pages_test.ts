/**
 * What of the program's file counts as memory of a process.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { letGoOfProgramPages } from "../../src/system/program_pages.ts";
import { run } from "../engines/run.ts";

/** Megabytes of files that this process has in memory. */
async function megabytesOfFiles(): Promise<number> {
  const line = await run("grep", ["^RssFile:", `/proc/${Deno.pid}/status`]);
  return Number(/\d+/.exec(line)![0]) / 1024;
}

Deno.test("letGoOfProgramPages() lets go of what the start read, and everything goes on", async () => {
  const before = await megabytesOfFiles();
  const asked = letGoOfProgramPages();
  const after = await megabytesOfFiles();
  assert(asked > 50 * 1024 * 1024, `${asked} bytes`);
  assert(after < before - 10, `${before} MB before, ${after} MB after`);
  // What comes back is what was there: code, constants and tables of the runtime.
  assertEquals(new Intl.NumberFormat("de").format(1234.5), "1.234,5");
  assertEquals(structuredClone({ a: [1n, new Date(0)] }), { a: [1n, new Date(0)] });
  assertEquals(await new Response(new Blob(["x"])).text(), "x");
});
