import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { hintFor } from "../../src/cli/words.ts";
import { Failure } from "../../src/failure.ts";
import { type EngineVersion, identify, negotiate } from "../../src/docker/version.ts";

const DOCKER: EngineVersion = {
  apiVersion: "1.41",
  engineApiVersion: "1.41",
  engineMinApiVersion: "1.12",
  engineVersion: "20.10.24",
  kind: "docker",
};

function spoken(newest: string, oldest: string | undefined): string {
  return negotiate(newest, { ApiVersion: newest, MinAPIVersion: oldest }).apiVersion;
}

Deno.test("negotiate() speaks the newest version that both know", () => {
  assertEquals(spoken("1.41", "1.12"), "1.41");
  assertEquals(spoken("1.24", "1.12"), "1.24");
  assertEquals(spoken("1.54", "1.44"), "1.54");
  assertEquals(spoken("1.99", "1.44"), "1.54");
  // Numbers, not text: 1.9 is older than 1.41.
  assertEquals(spoken("1.41", "1.9"), "1.41");
  assertEquals(spoken("2.0", "1.54"), "1.54");
});

Deno.test("negotiate() tells an Engine that is too old from one that is too new", () => {
  const old = assertThrows(() => negotiate("1.23", {}), Failure);
  assertEquals(old.code, "engine-api-version");
  assertStringIncludes(old.message, "the Engine speaks API 1.23 at most, this program 1.24");
  const young = assertThrows(() => negotiate("1.60", { MinAPIVersion: "1.55" }), Failure);
  assertEquals(young.code, "engine-api-version");
  assertStringIncludes(young.message, "the Engine speaks API 1.55 at least, this program 1.54");
  assertEquals(hintFor(young), "upgrade Tinyforge");
});

Deno.test("negotiate() takes the version from the body where the header lacks", () => {
  const version = negotiate(null, { ApiVersion: "1.40", Version: "19.03" });
  assertEquals(version.apiVersion, "1.40");
  assertEquals(version.engineMinApiVersion, "1.12");
  assertEquals(version.engineVersion, "19.03");
});

Deno.test("negotiate() refuses answers without a version", () => {
  for (const body of [null, [], {}, { ApiVersion: 1.41 }, { ApiVersion: "new" }, "1.41"]) {
    const error = assertThrows(() => negotiate(null, body), Failure);
    assertEquals(error.code, "engine-malformed");
  }
  assertThrows(() => negotiate("1.41", { MinAPIVersion: "../../x" }), Failure);
});

Deno.test("negotiate() recognizes Podman", () => {
  const body = (name: unknown) => ({ ApiVersion: "1.41", Components: [{ Name: name }] });
  assertEquals(negotiate(null, body("Podman Engine")).kind, "podman");
  assertEquals(negotiate(null, body("Engine")).kind, "docker");
  assertEquals(negotiate(null, body(5)).kind, "docker");
  assertEquals(negotiate(null, { ApiVersion: "1.41", Components: [null] }).kind, "docker");
});

Deno.test("negotiate() speaks of what the version was wanted for", () => {
  const error = assertThrows(() => negotiate("1.1", {}, { purpose: "list" }), Failure);
  assertStringIncludes(error.message, "Cannot list containers: ");
});

Deno.test("identify() takes Docker's own id", () => {
  assertEquals(identify({ ID: "Y5M6:CVGB", Name: "host" }, DOCKER), "Y5M6:CVGB");
  for (const info of [null, {}, { ID: "" }, { ID: 5 }]) {
    assertEquals(assertThrows(() => identify(info, DOCKER), Failure).code, "engine-malformed");
  }
});

Deno.test("identify() tells two Engines that report one id apart by data root and name", () => {
  const info = (DockerRootDir: string, Name: string) => ({ ID: "Y5M6:CVGB", DockerRootDir, Name });
  const ids = [
    info("/var/lib/docker", "host"),
    info("/mnt/docker", "host"),
    info("/var/lib/docker", "other"),
  ].map((each) => identify(each, DOCKER));
  assertEquals(new Set(ids).size, 3, ids.join());
});

Deno.test("identify() derives Podman's from what stays the same", () => {
  const podman: EngineVersion = { ...DOCKER, kind: "podman" };
  const info = (ID: string) => ({ ID, Name: "vm", DockerRootDir: "/var/lib/containers/storage" });
  const id = "podman:vm:/var/lib/containers/storage";
  assertEquals(identify(info("29f38667"), podman), id);
  assertEquals(identify(info("8eff02ba"), podman), id);
  assertThrows(() => identify({ ID: "x", Name: "vm" }, podman), Failure);
});
