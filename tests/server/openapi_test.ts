/**
 * The OpenAPI document.
 *
 * @module
 */

import SwaggerParser from "@apidevtools/swagger-parser";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ROUTES } from "../../src/server/routes.ts";
import { tempServer } from "../harness/temp_server.ts";

const SNAPSHOT = new URL("./openapi_snapshot.txt", import.meta.url);

Deno.test("/openapi.json describes the routes of the snapshot", async () => {
  const document = await openApi();
  const text = `${[...operations(document), ...components(document)].join("\n")}\n`;
  if (Deno.env.get("UPDATE_SNAPSHOTS")) await Deno.writeTextFile(SNAPSHOT, text);
  assertEquals(text, await Deno.readTextFile(SNAPSHOT));
});

Deno.test("/openapi.json describes each route, its failures and who may ask", async () => {
  const document = await openApi();
  assertEquals([document.openapi, document.info.version], ["3.1.0", "1.2.3"]);
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`)
  );
  assertEquals(described.sort(), ROUTES.map(([method, path]) => `${method} ${path}`).sort());
  for (const [method, path, needed] of ROUTES) {
    const operation = document.paths[path]![method]!;
    const either = [{ token: [] }, { session: [] }];
    assertEquals(operation.security, needed === "open" ? [] : either);
    assertEquals(operation["x-role"], needed === "open" ? undefined : needed);
    for (const failure of ["4XX", "5XX"]) {
      assert("application/problem+json" in operation.responses[failure]!.content!);
    }
    assert(operation.summary.length > 0);
    const inPath = [...path.matchAll(/\{(.+?)\}/g)].map(([, name]) => name);
    const parameters = operation.parameters ?? [];
    assertEquals(parameters.filter((p) => p.in === "path").map((p) => p.name), inPath);
  }
});

Deno.test("/openapi.json refers to nothing that it does not define", async () => {
  const document = await openApi();
  const references = [
    ...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g),
  ];
  assert(references.length > 10);
  for (const [, name] of references) assert(name! in document.components.schemas, name!);
});

Deno.test("/openapi.json is valid OpenAPI", async () => {
  // deno-lint-ignore no-explicit-any -- its types know another shape for each version
  const validate = (document: any) => SwaggerParser.validate(structuredClone(document));
  const document = await openApi();
  await validate(document);
  // deno-lint-ignore no-explicit-any -- to be broken
  const broken = structuredClone(document) as any;
  delete broken.paths["/livez"].get.responses["200"].description;
  await assertRejects(() => validate(broken));
});

Deno.test("/openapi.json has nothing that Redocly's recommended rules find fault with", async () => {
  const config = await createConfig({ extends: ["spec", "recommended"] });
  const faults = async (document: unknown) => {
    const source = JSON.stringify(document);
    const found = await lintFromString({ source, absoluteRef: "openapi.json", config });
    return found.map(({ ruleId, location }) => `${ruleId} ${location[0]?.pointer}`);
  };
  const document = await openApi();
  assertEquals(await faults(document), []);
  const { license: _, ...info } = document.info;
  assertEquals(await faults({ ...document, info }), ["info-license #/info"]);
});

Deno.test("/openapi.json has what generators and linters ask for", async () => {
  const document = await openApi();
  assertEquals(document.info.license, { name: "MIT", identifier: "MIT" });
  assertEquals(document.servers.map(({ url }) => url), ["/"]);
  const all = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  const ids = all.map(({ operationId }) => operationId);
  assertEquals(new Set(ids).size, ids.length);
  for (const id of ids) assertMatch(id, /^[a-z][A-Za-z]+$/);
  assertStringIncludes(JSON.stringify(document.components.schemas["Container"]), "`missing` when");
  const limit = document.paths["/api/containers"]!["get"]!.parameters!
    .find(({ name }) => name === "limit");
  assertEquals(limit?.schema, { type: "integer", minimum: 1, maximum: 10_000, default: 1000 });
});

interface Document {
  openapi: string;
  info: { version: string; license: unknown };
  servers: { url: string }[];
  paths: Record<string, Record<string, DescribedRoute>>;
  components: { schemas: Record<string, ComponentSchema> };
}

interface DescribedRoute {
  summary: string;
  operationId: string;
  security: unknown;
  "x-role"?: string;
  parameters?: { name: string; in: string; required: boolean; schema: unknown }[];
  requestBody?: { content: Record<string, { schema: { $ref?: string } }> };
  responses: Record<string, { content?: Record<string, unknown> }>;
}

interface ComponentSchema {
  properties: Record<string, unknown>;
  required?: string[];
}

async function openApi(): Promise<Document> {
  await using server = await tempServer();
  return await (await server.ask("/openapi.json")).json();
}

/** `GET /path ?optional &required <- Body -> 200 application/json`. */
function operations({ paths }: Document): string[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody, responses }]) => {
      const query = parameters.filter((p) => p.in === "query").map(({ name, required }) =>
        ` ${name}${required ? "" : "?"}`
      );
      const schema = requestBody?.content["application/json"]?.schema;
      const body = schema === undefined ? "" : ` <- ${schema.$ref?.split("/").at(-1)}`;
      const answers = Object.entries(responses).filter(([status]) => /^\d+$/.test(status))
        .map(([status, { content = {} }]) => ` ${[status, ...Object.keys(content)].join(" ")}`);
      return `${method.toUpperCase()} ${path}${query.join("")}${body} ->${answers.join(",")}`;
    })
  );
}

/** `Name: required, optional?`. */
function components({ components }: Document): string[] {
  return Object.entries(components.schemas).map(([name, { properties, required = [] }]) => {
    const fields = Object.keys(properties).map((field) =>
      required.includes(field) ? field : `${field}?`
    );
    return `${name}: ${fields.join(", ")}`;
  });
}
