/**
 * The OpenAPI document, made of the table of routes and the schemas that validate.
 *
 * @module
 */

import { OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import type { Answer } from "./operation.ts";
import type { Route } from "./routes.ts";
import { ProblemSchema } from "./schema.ts";

/** Under `/api` an unknown parameter is an error; elsewhere tools add what they like. */
const NO_QUERY = z.strictObject({});

/**
 * A route as the library takes it: what it validates, and what it says of itself.
 *
 * @ignore
 */
export function routeConfig([method, path, { spec }]: Route): RouteConfig {
  const query = spec.query ?? (path.startsWith("/api/") ? NO_QUERY : undefined);
  const body = spec.body === "ignored" ? undefined : spec.body;
  return {
    method,
    path,
    summary: spec.summary,
    ...(spec.description !== undefined && { description: spec.description }),
    tags: [path.startsWith("/api/") ? path.split("/")[2]! : "tools"],
    security: spec.access === "open" ? [] : [{ token: [] }],
    request: {
      // Objects all of them, though their types tell only what comes out.
      ...(spec.params && { params: spec.params as unknown as z.ZodObject }),
      ...(query && { query: query as unknown as z.ZodObject }),
      ...(body && {
        body: { required: true, content: { "application/json": { schema: body as z.ZodType } } },
      }),
    },
    responses: {
      ...Object.fromEntries(
        Object.entries(spec.answers).map(([status, answer]) => [status, response(answer)]),
      ),
      default: {
        description: "What went wrong",
        content: { "application/problem+json": { schema: ProblemSchema as z.ZodType } },
      },
    },
  };
}

/** The document as JSON. */
export function renderOpenApi(routes: readonly Route[], version: string): string {
  const hono = new OpenAPIHono();
  for (const route of routes) hono.openAPIRegistry.registerPath(routeConfig(route));
  hono.openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    description: "What stands in the file `token` of the data directory; the socket needs none.",
  });
  return JSON.stringify(hono.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Tinyforge",
      version,
      description: "The containers index of a Docker host.",
      license: { name: "MIT" },
    },
  }));
}

function response({ description, schema, mediaType }: Answer): RouteConfig["responses"][string] {
  if (schema === undefined && mediaType === undefined) return { description };
  return {
    description,
    content: { [mediaType ?? "application/json"]: { schema: (schema ?? z.string()) as z.ZodType } },
  };
}
