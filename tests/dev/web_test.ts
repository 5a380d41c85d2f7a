/**
 * The dashboard's build: what it leaves is what the server sends, small enough, and built no more often
 * than its sources change.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { gunzipSync } from "node:zlib";
import { buildWeb } from "../../src/dev/web.ts";
import { readWebAssets } from "../../src/server/web_assets.ts";

const DIST = fromFileUrl(new URL("../../src/web/dist", import.meta.url));

Deno.test("buildWeb() builds one script and one sheet of at most 60 kB, compressed beside them", async () => {
  await buildWeb();
  const assets = await readWebAssets(DIST);
  const kind = (path: string) => path.split(".").at(-1)!;
  const paths = [...assets.keys()].sort((a, b) => kind(a) < kind(b) ? -1 : 1);
  assertEquals(paths.length, 4, paths.join());
  assertMatch(paths[0]!, /^\/app-[0-9a-f]{10}\.css$/);
  assertEquals(paths[1], "/index.html");
  assertMatch(paths[2]!, /^\/app-[0-9a-f]{10}\.js$/);
  assertMatch(paths[3]!, /^\/icon-[0-9a-f]{10}\.svg$/);
  let bytes = 0;
  for (const [path, { body, gzip, br, immutable }] of assets) {
    assertEquals(immutable, path !== "/index.html");
    bytes += (gzip ?? body).length;
    if (!immutable) continue;
    assertEquals(new Uint8Array(gunzipSync(gzip!)), new Uint8Array(body), path);
    assert(br!.length <= gzip!.length, path);
  }
  assert(bytes <= 60_000, `${bytes} bytes`);
  // Nothing is said in the page that its policy would refuse, and all that it names is there.
  const page = new TextDecoder().decode(assets.get("/index.html")!.body);
  assertEquals(page.match(/<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/g), null);
  const named = [...page.matchAll(/"__BASE__(\/[^"]+)"/g)].map(([, path]) => path!);
  assertEquals(named.sort(), paths.filter((path) => path !== "/index.html").sort());
});

Deno.test("buildWeb() does nothing until a source is newer than what was built", async () => {
  await buildWeb();
  assertEquals((await buildWeb()).built, false);
  const manifest = join(DIST, "manifest.json");
  const { mtime } = await Deno.stat(manifest);
  try {
    await Deno.utime(manifest, 0, 0);
    assertEquals((await buildWeb()).built, true);
  } finally {
    if ((await Deno.stat(manifest)).mtime?.getTime() === 0) {
      await Deno.utime(manifest, mtime!, mtime!);
    }
  }
  assertEquals((await buildWeb()).built, false);
});
