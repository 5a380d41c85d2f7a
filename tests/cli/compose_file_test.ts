import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { CommandError } from "../../src/cli/command.ts";
import {
  type ComposeOptions,
  expectationsOf,
  MAX_COMPOSE_FILE,
  parseComposeFiles,
  parseComposeJson,
  readComposeFiles,
} from "../../src/cli/compose_file.ts";
import { interpolate, parseEnvFile } from "../../src/cli/compose_variables.ts";
import { processorMs } from "../harness/processor_time.ts";

/** Variables with these values. */
function given(values: Record<string, string>): (name: string) => string | undefined {
  return (name) => values[name];
}

function parsed(text: string | string[], options: ComposeOptions = {}) {
  const files = [text].flat().map((text, i) => ({ file: `compose-${i}.yaml`, text }));
  return parseComposeFiles(files, options);
}

/** Services in short, as `name ×replicas`, and what is not as usual. */
function services(text: string | string[], options: ComposeOptions = {}): string[] {
  return parsed(text, options).services.map((service) =>
    [
      `${service.name} ×${service.replicas}`,
      ...(service.enabled ? [] : ["off"]),
      ...(service.completes ? ["completes"] : []),
      ...(service.image === null ? [] : [service.image]),
      ...(service.restart === "no" ? [] : [String(service.restart)]),
      ...(service.containerName === null ? [] : [`as ${service.containerName}`]),
    ].join(" ")
  );
}

function refused(text: string | string[]): string {
  return assertThrows(() => parsed(text), CommandError).message;
}

Deno.test("parseComposeFiles() reads what should run", () => {
  const project = parsed(`
name: shop
services:
  web:
    image: nginx:1
    restart: unless-stopped
    container_name: shop-web
    ports: ["80:80"]
  db: { image: postgres:16, restart: "on-failure:3" }
  tool:
`);
  assertEquals([project.name, project.partly], ["shop", []]);
  assertEquals(project.services[1], {
    name: "tool",
    enabled: true,
    replicas: 1,
    completes: false,
    image: null,
    containerName: null,
    restart: "no",
  });
  assertEquals(project.services[0]!.restart, "on-failure:3");
  assertEquals(project.services[2]!.containerName, "shop-web");
});

Deno.test("parseComposeFiles() expects no service whose profile is not enabled", () => {
  const text = `
services:
  web: {}
  debug: { profiles: [debug, dev] }
`;
  assertEquals(services(text), ["debug ×1 off", "web ×1"]);
  assertEquals(services(text, { profiles: ["dev"] }), ["debug ×1", "web ×1"]);
  assertEquals(services(text, { profiles: ["*"] }), ["debug ×1", "web ×1"]);
  const enables = (told: string) =>
    services(text, { variables: given({ COMPOSE_PROFILES: told }) });
  assertEquals(enables("test, dev"), ["debug ×1", "web ×1"]);
  assertEquals(enables(""), ["debug ×1 off", "web ×1"]);
});

Deno.test("parseComposeFiles() counts scale, deploy and none", () => {
  assertEquals(
    services(`
services:
  a: { scale: 3 }
  b: { deploy: { replicas: 2 } }
  c: { deploy: { replicas: 0 } }
  d: { deploy: { mode: global } }
  e: { deploy: { mode: replicated-job, replicas: 4 } }
  f: { scale: "5", deploy: { replicas: 5 } }
  g: { scale: many }
`),
    ["a ×3", "b ×2", "c ×0", "d ×1", "e ×4 completes", "f ×5", "g ×null"],
  );
});

Deno.test("parseComposeFiles() knows what others wait to be completed", () => {
  assertEquals(
    services(`
services:
  migrate: {}
  seed: {}
  db: {}
  web:
    depends_on:
      migrate: { condition: service_completed_successfully }
      db: { condition: service_healthy }
      seed:
`),
    ["db ×1", "migrate ×1 completes", "seed ×1", "web ×1"],
  );
  assertEquals(services("services: { web: { depends_on: [db] }, db: {} }"), ["db ×1", "web ×1"]);
});

Deno.test("parseComposeFiles() resolves anchors and merge keys", () => {
  assertEquals(
    services(`
x-common: &common
  restart: always
  image: base:1
services:
  web: { <<: *common, image: web:2 }
  worker:
    <<: [*common]
    scale: 2
`),
    ["web ×1 web:2 always", "worker ×2 base:1 always"],
  );
});

Deno.test("parseComposeFiles() puts later files over earlier ones", () => {
  assertEquals(
    services([
      `
services:
  web: { image: web:1, restart: always, scale: 2, profiles: [a] }
  migrate: {}
  db: { image: db:1 }
`,
      `
services:
  web: { image: web:2, profiles: [b], depends_on: [migrate] }
  cache: {}
`,
      `
services:
  web: { depends_on: { migrate: { condition: service_completed_successfully } } }
`,
    ], { profiles: ["b"] }),
    ["cache ×1", "db ×1 db:1", "migrate ×1 completes", "web ×2 web:2 always"],
  );
});

Deno.test("parseComposeFiles() takes back with !reset and replaces with !override", () => {
  const base = `
services:
  web: { image: web:1, restart: always, profiles: [a], deploy: { replicas: 3 } }
  db: { image: db:1 }
`;
  assertEquals(
    services([
      base,
      `
services:
  web: { restart: !reset null, profiles: !reset [], deploy: !reset {} }
  db: !reset null
`,
    ]),
    ["web ×1 web:1"],
  );
  assertEquals(
    services([
      base,
      `
services:
  web: !override { image: web:9 }
  db: { image: !override db:2 }
`,
    ]),
    ["db ×1 db:2", "web ×1 web:9"],
  );
  assertEquals(
    services([base, "services: { web: { profiles: !override [b] } }"], { profiles: ["a"] }),
    ["db ×1 db:1", "web ×3 off web:1 always"],
  );
  // Alone they say no more than the value, or its absence.
  assertEquals(
    services("services: { web: !override { image: !override web:1, restart: !reset x } }"),
    ["web ×1 web:1"],
  );
});

Deno.test("parseComposeFiles() takes restart: no for a word, and on for none", () => {
  const text = "services: { a: { restart: no }, b: { restart: on }, c: { restart: false } }";
  const { services: read, partly } = parsed(text);
  assertEquals(read.map(({ restart }) => restart), ["no", null, "no"]);
  assertEquals(partly, [{ service: "b", because: "restart", value: "on" }]);
});

Deno.test("parseComposeFiles() says of what it knows a part only", () => {
  const { services: read, partly } = parsed(
    `
include: [other.yaml]
services:
  web: { image: "web:\${TAG}", scale: "\${COUNT}" }
  db: { image: "db:\${DB_TAG:-16}" }
  child: { extends: { file: base.yaml, service: base } }
`,
    { variables: given({}) },
  );
  assertEquals(read.map(({ name, image, replicas }) => [name, image, replicas]), [
    ["child", null, 1],
    ["db", "db:16", 1],
    ["web", null, null],
  ]);
  assertEquals(partly, [
    { service: null, because: "include", value: "" },
    { service: "web", because: "variable", value: "COUNT" },
    { service: "web", because: "variable", value: "TAG" },
    { service: "child", because: "extends", value: "" },
  ]);
  const known = parsed('services: { web: { image: "web:$TAG" } }', {
    variables: given({ TAG: "7" }),
  });
  assertEquals([known.services[0]!.image, known.partly], ["web:7", []]);
});

Deno.test("parseComposeFiles() refuses what is no Compose file, saying where", () => {
  assertEquals(refused("- a"), 'Cannot read "compose-0.yaml": it is no mapping');
  assertEquals(refused(""), 'Cannot read "compose-0.yaml": it has no services');
  assertEquals(
    refused("services: { web: { image: [] } }"),
    'Cannot read "compose-0.yaml": "services.web.image" is not as Compose has it',
  );
  assertEquals(
    refused('services: { "a b": {} }'),
    'Cannot read "compose-0.yaml": "services.a b" is not as Compose has it',
  );
  assertEquals(
    refused("services: { web: {}, web: {} }"),
    'Cannot read "compose-0.yaml": "web" is there twice',
  );
  assert(refused("services: {").startsWith('Cannot read "compose-0.yaml": '));
  assert(refused("services: *nowhere").startsWith('Cannot read "compose-0.yaml": '));
});

Deno.test("parseComposeFiles() refuses what is built to exhaust it, at once", () => {
  const laughs = Array.from(
    { length: 12 },
    (_, i) => i === 0 ? "a0: &a0 [x, x]" : `a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]`,
  ).join("\n");
  const merges = Array.from(
    { length: 40 },
    (_, i) => i === 0 ? "a0: &a0 { k: 1 }" : `a${i}: &a${i} { <<: [*a${i - 1}, *a${i - 1}] }`,
  ).join("\n");
  const keys = Array.from({ length: 60_000 }, (_, i) => `k${i}:`).join("\n");
  const began = processorMs();
  for (const bomb of [laughs, merges]) assert(refused(bomb).includes("aliases stand for more"));
  for (const brackets of ["[", "{a: ", "- "]) {
    assert(refused(brackets.repeat(100_000)).startsWith("Cannot read"), brackets);
  }
  assert(refused(`a: &a [*a]\nservices: {}`).startsWith("Cannot read"));
  assertEquals(parsed(`${keys}\nservices: { web: {} }`).services.length, 1);
  assert(processorMs() - began < 20_000, `${processorMs() - began} ms`);
});

Deno.test("parseComposeFiles() is not misled by names that objects have of themselves", () => {
  assertEquals(services('services: { constructor: {}, "__proto__": { scale: 2 } }').length, 2);
  assertEquals(services("services: { web: { image: '${toString}' } }"), ["web ×1"]);
});

Deno.test("readComposeFiles() reads files as they lie there, with the .env beside the first", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const file = join(dir, "compose.yaml");
    await Deno.writeTextFile(file, 'services: { web: { image: "web:${TAG}${MORE}" } }');
    await Deno.writeTextFile(join(dir, ".env"), "TAG=1 # comment\nexport MORE='-x'\n");
    await Deno.symlink(file, join(dir, "link.yaml"));
    for (const path of [file, join(dir, "link.yaml")]) {
      const { services, partly } = await readComposeFiles([path]);
      assertEquals([services[0]!.image, partly], ["web:1-x", []]);
    }
    const { services } = await readComposeFiles([file], { variables: given({ TAG: "2" }) });
    assertEquals(services[0]!.image, "web:2-x");

    const why = async (path: string) =>
      (await assertRejects(() => readComposeFiles([path]), CommandError)).message
        .replace(`${dir}/`, "");
    assertEquals(await why(join(dir, "none")), 'Cannot read "none": it is not there');
    await Deno.symlink("loop", join(dir, "loop"));
    assert((await why(join(dir, "loop"))).startsWith("Cannot read"));
    assertEquals(await why("/dev/null"), 'Cannot read "/dev/null": it is no file');
    assert((await why(dir)).includes("it is no file"));
    const big = join(dir, "big");
    await Deno.writeTextFile(big, `#${"x".repeat(5 * MAX_COMPOSE_FILE)}`);
    assertEquals(await why(big), 'Cannot read "big": it is longer than 1.0 MB');
    await Deno.writeFile(join(dir, "binary"), new Uint8Array([0xff, 0xfe, 0x00]));
    assertEquals(await why(join(dir, "binary")), 'Cannot read "binary": it is not UTF-8');
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("parseComposeJson() reads what `docker compose config` writes", () => {
  const project = parseComposeJson(JSON.stringify({
    name: "shop",
    services: {
      web: {
        image: "web:$1",
        scale: 2,
        profiles: ["dev"],
        depends_on: { migrate: { condition: "service_completed_successfully", required: true } },
      },
      migrate: { deploy: { replicas: 1 }, restart: "no" },
    },
  }));
  assertEquals(project.partly, []);
  assertEquals(
    project.services.map(({ name, enabled, replicas, completes, image }) => [
      name,
      enabled,
      replicas,
      completes,
      image,
    ]),
    [["migrate", true, 1, true, null], ["web", true, 2, false, "web:$1"]],
  );
  for (const wrong of ["", "services:", "[]", "{}", '{"services": {"web": 1}}']) {
    assertThrows(() => parseComposeJson(wrong), CommandError, "Cannot read");
  }
});

Deno.test("expectationsOf() expects what is enabled, and says nothing of what is not known", () => {
  const project = parsed(`
services:
  web: { image: web:1, scale: 2 }
  job: { deploy: { mode: replicated-job } }
  debug: { profiles: [debug], image: debug:1 }
  odd: { scale: "\${N}" }
`);
  const of = { workloadId: "w-shop", source: "compose", setAt: 5 };
  assertEquals(expectationsOf(project, { workloadId: "w-shop", now: 5 }), [
    { ...of, role: "debug", mode: "any", replicas: 0, image: null },
    { ...of, role: "job", mode: "completed", replicas: 1, image: null },
    { ...of, role: "web", mode: "running", replicas: 2, image: "web:1" },
  ] as ReturnType<typeof expectationsOf>);
});

Deno.test("interpolate() knows every form of a variable", () => {
  const variables = given({ A: "1", EMPTY: "" });
  const put = (text: string) => interpolate(text, variables).text;
  assertEquals(
    put("$A ${A} $$A ${A:-x} ${EMPTY:-x} ${EMPTY-x} ${B-x} ${B:-${A}}"),
    "1 1 $A 1 x  x 1",
  );
  assertEquals(put("${A:+y} ${A+y} ${EMPTY:+y} ${B+y}"), "y y  ");
  assertEquals(interpolate("${B} ${C:?must} ${EMPTY:?must}", variables).unresolved, [
    "B",
    "C",
    "EMPTY",
  ]);
  assertEquals(put("100% $ ${ $1"), "100% $ ${ $1");
});

Deno.test("parseEnvFile() reads names, values and quotes, and skips the rest", () => {
  assertEquals({
    ...parseEnvFile(
      '# x\nA=1\n B = two words \nC="q # \\"x"\nD=\'$A\'\nE=\nnonsense\nF=a#b #c\r\n',
    ),
  }, { A: "1", B: "two words", C: 'q # "x', D: "$A", E: "", F: "a#b" });
});
