/**
 * The dashboard's files: which one answers a path, in which form, and what a page may do.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Asset, PAGE_POLICY, pages } from "../../src/server/pages.ts";
import { readWebAssets } from "../../src/server/web_assets.ts";
import { tempServer } from "../harness/temp_server.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const ASSETS: ReadonlyMap<string, Asset> = new Map([
  ["/index.html", {
    type: "text/html; charset=utf-8",
    body: bytes('<html data-base="__BASE__"><script src="__BASE__/app-1.js"></script></html>'),
    gzip: bytes("stale"),
    immutable: false,
  }],
  ["/app-1.js", {
    type: "text/javascript; charset=utf-8",
    body: bytes("plain"),
    gzip: bytes("gzipped"),
    br: bytes("brotli"),
    immutable: true,
  }],
  ["/icon.svg", { type: "image/svg+xml", body: bytes("<svg/>"), immutable: false }],
]);

const HTML = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

Deno.test("pages() sends the smallest form that is taken", async () => {
  const page = pages(ASSETS);
  for (
    const [accepted, encoding, text] of [
      ["gzip, deflate, br", "br", "brotli"],
      ["gzip, br;q=0", "gzip", "gzipped"],
      ["br;q=0.000,GZIP", "gzip", "gzipped"],
      ["br; q=0.5", "br", "brotli"],
      ["gzip;q=0, br;q=0.0", null, "plain"],
      ["brotli, xgzip", null, "plain"],
      ["", null, "plain"],
    ] as const
  ) {
    const headers = new Headers({ "accept-encoding": accepted });
    const response = page({ path: "/app-1.js", headers })!;
    assertEquals(
      [accepted, response.headers.get("content-encoding"), await response.text()],
      [accepted, encoding, text],
    );
    assertEquals(response.headers.get("vary"), "accept-encoding");
  }
});

Deno.test("pages() has browsers keep what never changes, and ask again for the page", () => {
  const page = pages(ASSETS);
  const kept = (path: string) =>
    page({ path, headers: new Headers(HTML) })!.headers.get("cache-control");
  assertEquals(kept("/app-1.js"), "public, max-age=31536000, immutable");
  assertEquals(kept("/"), "no-cache");
  assertEquals(kept("/icon.svg"), "no-cache");
});

Deno.test("pages() tells the page what it is reached under, and nothing that would be markup", async () => {
  for (
    const [base, html] of [
      ["", '<html data-base=""><script src="/app-1.js"></script></html>'],
      ["/ops/tf", '<html data-base="/ops/tf"><script src="/ops/tf/app-1.js"></script></html>'],
      [
        `/"><i`,
        '<html data-base="/&#34;&#62;&#60;i"><script src="/&#34;&#62;&#60;i/app-1.js"></script></html>',
      ],
    ] as const
  ) {
    const page = pages(ASSETS, { base });
    const headers = new Headers({ ...HTML, "accept-encoding": "gzip" });
    for (const path of ["/", "/index.html", "/containers"]) {
      const response = page({ path, headers })!;
      assertEquals(await response.text(), html);
      assertEquals(response.headers.get("content-encoding"), null);
    }
  }
});

Deno.test("every path that is no API's is the page, for whoever wants HTML", async () => {
  await using server = await tempServer({ assets: () => Promise.resolve(ASSETS) });
  const get = async (path: string, init: RequestInit = { headers: HTML }) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
    return [response.status, response.headers.get("content-type"), await response.text()] as const;
  };
  for (const path of ["/", "/containers?kind=site", "/workloads/site/blog", "/index.html"]) {
    const [status, type, text] = await get(path);
    assertEquals([path, status, type], [path, 200, "text/html; charset=utf-8"]);
    assertStringIncludes(text, "app-1.js");
  }
  const plain = { headers: { "accept-encoding": "identity" } };
  assertEquals((await get("/app-1.js", plain))[2], "plain");
  for (
    const [path, init, status] of [
      ["/api", { headers: HTML }, 401],
      ["/api/nothing", { headers: HTML }, 401],
      ["/api/containers", { headers: HTML }, 401],
      ["/hooks/a/b", { headers: HTML }, 401],
      ["/app-0.js", { headers: { accept: "*/*" } }, 401],
      ["/containers", { headers: { accept: "application/json, text/htmlx" } }, 401],
      ["/containers", { method: "POST", headers: HTML }, 401],
    ] as const
  ) assertEquals([path, (await get(path, init))[0]], [path, status]);
});

Deno.test("a page can't be framed, run what is not ours, or be mistaken for something else", async () => {
  await using server = await tempServer({ assets: () => Promise.resolve(ASSETS) });
  for (const path of ["/", "/app-1.js"]) {
    const { headers, body } = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      headers: HTML,
    });
    await body?.cancel();
    assertEquals(headers.get("content-security-policy"), PAGE_POLICY);
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertEquals(headers.get("referrer-policy"), "no-referrer");
    assertEquals(headers.get("cross-origin-opener-policy"), "same-origin");
  }
  assertStringIncludes(PAGE_POLICY, "frame-ancestors 'none'");
  assertStringIncludes(PAGE_POLICY, "require-trusted-types-for 'script'");
});

Deno.test("a HEAD of a page has its headers and no body", async () => {
  await using server = await tempServer({ assets: () => Promise.resolve(ASSETS) });
  const response = await fetch(`http://127.0.0.1:${server.port}/`, {
    method: "HEAD",
    headers: HTML,
  });
  assertEquals([response.status, await response.text()], [200, ""]);
  assertEquals(response.headers.get("content-type"), "text/html; charset=utf-8");
});

Deno.test("readWebAssets() reads what the list names, and nothing where nothing was built", async () => {
  const dir = await Deno.makeTempDir({ prefix: "tinyforge-assets-" });
  try {
    assertEquals(await readWebAssets(dir), new Map());
    await Deno.writeTextFile(`${dir}/app-1.js`, "plain");
    await Deno.writeTextFile(`${dir}/app-1.js.gz`, "gzipped");
    await Deno.writeTextFile(`${dir}/secret`, "not named");
    const list = { "/app-1.js": { type: "text/javascript", immutable: true } };
    await Deno.writeTextFile(`${dir}/manifest.json`, JSON.stringify(list));
    const [asset, ...others] = await readWebAssets(dir);
    assertEquals(others, []);
    assertEquals(asset, ["/app-1.js", {
      type: "text/javascript",
      body: bytes("plain"),
      gzip: bytes("gzipped"),
      immutable: true,
    }]);
    for (const path of ["/../x", "/a/b", "app.js"]) {
      await Deno.writeTextFile(
        `${dir}/manifest.json`,
        JSON.stringify({ [path]: { type: "x", immutable: false } }),
      );
      await assertRejects(() => readWebAssets(dir));
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
