/**
 * What commands say of answers of the API that they have no use for.
 *
 * @module
 */

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { readAnswer } from "../../src/cli/answer.ts";
import { CommandError } from "../../src/cli/command.ts";
import { tempServer } from "../harness/temp_server.ts";

Deno.test("readAnswer() says that it is another version which does not know what was asked for", async () => {
  await using server = await tempServer();
  const hintOf = async (method: string, path: string, body?: unknown) => {
    const answer = await server.send(method, path, body);
    const { ok, status } = answer;
    const text = await answer.text();
    return assertThrows(() => readAnswer({ ok, status, text }), CommandError).hint;
  };
  const silence = { scope: "all", seconds: 60 };
  const newer = [
    await hintOf("GET", "/api/what-comes-next-year"),
    await hintOf("PATCH", "/api/projects", {}),
    await hintOf("POST", "/api/silences", { ...silence, what: "comes next year" }),
  ];
  for (const hint of newer) assertMatch(hint!, /another version than this command: start it again/);
  const others = [
    await hintOf("GET", "/api/containers/none"),
    await hintOf("POST", "/api/silences", { ...silence, kinds: ["none"] }),
    await hintOf("POST", "/api/silences", { scope: "all" }),
  ];
  assertEquals(others.filter((hint) => /another version/.test(hint ?? "")), []);
});
