/** Why requests fail, in the system's words. @module */

import { assertEquals, assertRejects } from "@std/assert";
import { type HttpAddress, HttpClient } from "../../src/http/client.ts";
import { reasonOf } from "../../src/http/reason.ts";
import { freePort } from "../harness/free_port.ts";

async function reasonFor(target: HttpAddress): Promise<string> {
  using client = new HttpClient(target);
  return reasonOf(await assertRejects(() => client.request("/")));
}

Deno.test("reasonOf() says what the system said, and nothing of what was asked of whom", async () => {
  const url = `http://127.0.0.1:${freePort()}`;
  assertEquals(await reasonFor({ kind: "tcp", url }), "Connection refused");
  const dir = await Deno.makeTempDir();
  assertEquals(
    await reasonFor({ kind: "unix", path: `${dir}/none.sock` }),
    "No such file or directory",
  );
  await Deno.remove(dir);
  const unknown = "error sending request for url (http://x.invalid/): client error (Connect): " +
    "dns error: failed to lookup address information: Name or service not known";
  const cause = new Error(unknown);
  assertEquals(reasonOf(new TypeError("fetch failed", { cause })), "Name or service not known");
  assertEquals(reasonOf(new Error("the answer is too long")), "the answer is too long");
  assertEquals(reasonOf("thrown"), "unknown error");
});
