/**
 * The OpenAPI document, made of the table of routes and the schemas that validate.
 *
 * @module
 */

import * as z from "zod";
import type { Answer, Schema } from "./operation.ts";
import { TAGS, TOOLS } from "./openapi_tags.ts";
import type { Route } from "./routes.ts";
import { ProblemDetailsSchema } from "./schema.ts";

/** Under `/api` an unknown parameter is an error; elsewhere tools add what they like. */
export const NO_QUERY: Schema<unknown> = z.strictObject({});

type Json = Record<string, unknown>;

/** The document as JSON. `base`: what stands before every path, without a final slash. */
export function renderOpenApi<At>(
  routes: readonly Route<At>[],
  { version, base }: { readonly version: string; readonly base: string },
): string {
  const schemas = new Schemas();
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const [method, path] = route;
    (paths[path] ??= {})[method] = describe(route, schemas);
  }
  return JSON.stringify({
    openapi: "3.1.0",
    info: {
      title: "Tinyforge",
      version,
      description: "The containers index of a Docker host.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: base || "/", description: "Where this document was read" }],
    tags: [...new Set(routes.map(([, path]) => tagOf(path)))].map((name) => ({
      name,
      ...(name in TAGS && { description: TAGS[name] }),
    })),
    paths,
    components: {
      schemas: schemas.named,
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description:
            "One that was made, or what stands in the file `token` of the data directory; the " +
            "socket needs none. What it opens depends on its role: metrics, read, deploy, admin, " +
            "each with all that the one before it does (`x-role`).",
        },
        session: {
          type: "apiKey",
          in: "cookie",
          name: "__Host-tinyforge",
          description:
            "Of a browser that logged in; it is called otherwise without TLS, or under " +
            "a prefix. Unsafe methods need a same-origin `Origin`.",
        },
      },
    },
  });
}

function describe<At>([method, path, needed, { spec }]: Route<At>, schemas: Schemas): Json {
  const parameters = [
    ...parametersOf("path", spec.params, schemas),
    ...parametersOf("query", spec.query, schemas),
  ];
  const { body } = spec;
  return {
    operationId: operationId(method, path),
    summary: spec.summary,
    ...(spec.description !== undefined && { description: spec.description }),
    tags: [tagOf(path)],
    security: needed === "open" ? [] : [{ token: [] }, { session: [] }],
    ...(needed !== "open" && { "x-role": needed }),
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && body !== "ignored" && body !== "raw" && {
      requestBody: {
        required: true,
        content: { "application/json": { schema: schemas.of(body, "input") } },
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(spec.answers).map(([status, answer]) => [status, response(answer, schemas)]),
      ),
      "4XX": problem("The request is at fault", schemas),
      "5XX": problem("Something else is", schemas),
    },
  };
}

/** `getProjectsById`: method and path, which nothing else has. */
function operationId(method: string, path: string): string {
  const words = path.replace(/^\/api\//, "/").split(/[/.]/).filter(Boolean).map((part) => {
    const [, parameter] = /^\{(.+)\}$/.exec(part) ?? [];
    return parameter === undefined ? capital(part) : `By${capital(parameter)}`;
  });
  return `${method}${words.join("")}`;
}

function capital(word: string): string {
  return word[0]!.toUpperCase() + word.slice(1);
}

function tagOf(path: string): string {
  return path.startsWith("/api/") ? path.split("/")[2]! : TOOLS;
}

function parametersOf(
  place: "path" | "query",
  schema: Schema<unknown> | undefined,
  schemas: Schemas,
): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemas.of(schema, "input") as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(description !== undefined && { description }),
    schema,
  }));
}

function response({ description, schema, mediaType }: Answer, schemas: Schemas): Json {
  if (schema === undefined && mediaType === undefined) return { description };
  const content = schema === undefined ? { type: "string" } : schemas.of(schema, "output");
  return { description, content: { [mediaType ?? "application/json"]: { schema: content } } };
}

function problem(description: string, schemas: Schemas): Json {
  const schema = schemas.of(ProblemDetailsSchema, "output");
  return { description, content: { "application/problem+json": { schema } } };
}

/** Schemas as JSON; those with a name are described once and referred to. */
class Schemas {
  readonly named: Record<string, Json> = {};

  of(schema: Schema<unknown>, io: "input" | "output"): Json {
    // Made with zod, every one of them, whatever their type says. Within another, so that one with
    // a name is referred to as it would be anywhere else.
    const whole = z.toJSONSchema(z.object({ it: schema as z.ZodType }), {
      io,
      override: ({ zodSchema, jsonSchema }) => {
        // A client must bear fields that are new.
        if (io === "output") delete jsonSchema.additionalProperties;
        delete jsonSchema.id;
        // Left out by the library where what comes in is not what comes out.
        const { default: fallback } = z.globalRegistry.get(zodSchema) ?? {};
        if (fallback !== undefined) jsonSchema.default = fallback as number;
        // Text on the wire that stands for something else says what, and not how it is written.
        if (jsonSchema.type !== "string") delete jsonSchema.pattern;
      },
    });
    const { it, $defs = {} } = JSON.parse(
      JSON.stringify({ it: whole.properties?.["it"], $defs: whole.$defs ?? {} })
        .replaceAll('"#/$defs/', '"#/components/schemas/'),
    ) as { it: Json; $defs: Record<string, Json> };
    Object.assign(this.named, $defs);
    return it;
  }
}
