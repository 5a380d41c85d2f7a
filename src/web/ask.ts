/**
 * Requests to the API. What the server refuses is thrown with its own words; a lost session is told
 * to who keeps it. Must not decide what is shown.
 *
 * @module
 */

import { AskError, isAbort } from "./ask_error.ts";
import { BASE } from "./place.ts";

/** What goes along with every request, and who hears that it was refused. */
export const access: {
  /** A token that was pasted where the server keeps no sessions; else null. */
  token: string | null;
  /** Called when the server wants a login. */
  onLost: () => void;
} = { token: null, onLost: () => {} };

/** What a request takes besides its path. */
export interface AskOptions {
  /** GET by default. */
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Ends it. */
  readonly signal?: AbortSignal;
  /** Besides those that always go along. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether a 401 is the answer rather than the end of the session. */
  readonly login?: boolean;
}

/**
 * The parsed answer to `GET /api/…`, or to another method; undefined for an empty one.
 *
 * @throws {AskError} The server refused, or did not answer. An abort is thrown as it is.
 */
export async function ask<Answer>(path: string, options: AskOptions = {}): Promise<Answer> {
  const response = await send(path, options);
  const text = await response.text().catch((error) => {
    throw lost(error);
  });
  const body = parse(text);
  if (response.ok) return body as Answer;
  if (response.status === 401 && !options.login) access.onLost();
  throw refused(response.status, body);
}

/** The answer as it comes; for what is read piece by piece. */
export async function send(path: string, options: AskOptions = {}): Promise<Response> {
  const { method = "GET", body, signal, headers } = options;
  try {
    return await fetch(`${BASE}${path.replace(/^\//, "")}`, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      headers: {
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(access.token !== null && { authorization: `Bearer ${access.token}` }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal !== undefined && { signal }),
    });
  } catch (error) {
    throw lost(error);
  }
}

function lost(error: unknown): unknown {
  return isAbort(error) ? error : new AskError("", { code: "unreachable" });
}

function refused(status: number, body: unknown): AskError {
  const { detail, title, code, hint } = typeof body === "object" && body !== null
    ? body as Record<string, unknown>
    : {};
  const text = (value: unknown) => typeof value === "string" ? value : "";
  return new AskError(text(detail) || text(title) || `HTTP ${status}`, {
    status,
    code: text(code),
    hint: text(hint),
  });
}

function parse(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
