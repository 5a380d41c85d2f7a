/**
 * Servers that are shaped like ntfy, Gotify and the Apprise API: what their documentation asks of a
 * request, and the errors that it documents.
 *
 * @module
 */

import { json, type Received, Receiver } from "./receiver.ts";

/** What ntfy kept. */
export interface NtfyMessage {
  readonly topic: string;
  readonly title: string;
  readonly message: string;
  readonly priority: number;
  readonly tags: readonly string[];
  readonly click?: string;
  /** Set when the text was too long to be one. */
  readonly attachment?: string;
}

/** ntfy, as it takes JSON at its root. One topic is protected by a token or a login. */
export class NtfyServer extends Receiver {
  readonly messages: NtfyMessage[] = [];

  constructor(options: { token?: string } = {}) {
    super((received) => this.#publish(received, options.token));
  }

  #publish({ method, target, headers, body }: Received, token?: string): Response {
    const fail = (code: number, http: number, error: string) =>
      json({ code, http, error, link: "https://ntfy.sh/docs/publish/" }, http);
    if (method !== "POST" || target !== "/") return fail(40401, 404, "page not found");
    if (token !== undefined) {
      const authorization = headers.get("authorization");
      const login = `Basic ${btoa(`user:${token}`)}`;
      if (authorization === null) return fail(40301, 403, "forbidden");
      if (authorization !== `Bearer ${token}` && authorization !== login) {
        return fail(40101, 401, "unauthorized");
      }
    }
    let published: NtfyMessage;
    try {
      published = JSON.parse(body);
    } catch {
      return fail(40024, 400, "invalid request: request body must be valid JSON");
    }
    const { topic, title, message, priority, tags, click } = published;
    if (!/^[-_A-Za-z0-9]{1,64}$/.test(topic)) {
      return fail(40009, 400, "invalid request: topic invalid");
    }
    if (!Number.isInteger(priority) || priority < 1 || priority > 5) {
      return fail(40007, 400, "invalid priority parameter");
    }
    if (typeof title !== "string" || typeof message !== "string" || !Array.isArray(tags)) {
      return fail(40024, 400, "invalid request: request body must be message JSON");
    }
    if (click !== undefined && URL.parse(click) === null) return fail(40000, 400, "bad click");
    const long = new TextEncoder().encode(message).length > 4096;
    this.messages.push({
      ...published,
      ...(long && { message: "You received a file", attachment: "attachment.txt" }),
    });
    return json({ id: "hwQ2YpKdmg", time: 1, expires: 2, event: "message", topic, message });
  }
}

/** What ntfy says of a visitor that sent too much. It does not say until when. */
export const NTFY_LIMITED = (): Response =>
  json({
    code: 42901,
    http: 429,
    error: "limit reached: too many requests",
    link: "https://ntfy.sh/docs/publish/#limitations",
  }, 429);

/** What Gotify kept. */
export interface GotifyMessage {
  readonly title: string;
  readonly message: string;
  readonly priority: number;
  readonly extras: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Gotify, with one application's token. */
export class GotifyServer extends Receiver {
  readonly messages: GotifyMessage[] = [];

  constructor(token: string, path = "") {
    super(({ method, target, headers, body }) => {
      const fail = (errorCode: number, error: string, errorDescription: string) =>
        json({ error, errorCode, errorDescription }, errorCode);
      if (method !== "POST" || target !== `${path}/message`) {
        return fail(404, "Not Found", "page not found");
      }
      if (headers.get("x-gotify-key") !== token) {
        return fail(
          401,
          "Unauthorized",
          "you need to provide a valid access token or user credentials to access this api",
        );
      }
      const sent: GotifyMessage = JSON.parse(body);
      if (!sent.message) return fail(400, "Bad Request", "Field 'message' is required");
      this.messages.push(sent);
      return json({ id: this.messages.length, appid: 1, ...sent, date: "2026-11-26T10:00:00Z" });
    });
  }
}

/** What Apprise was asked to tell. */
export interface AppriseNotification {
  readonly title: string;
  readonly body: string;
  readonly type: string;
  readonly format: string;
  readonly tag?: string;
}

/** The Apprise API, with services under one key. */
export class AppriseServer extends Receiver {
  readonly notifications: AppriseNotification[] = [];

  constructor(key: string) {
    super(({ method, target, body }) => {
      if (method !== "POST") return json({ error: "method" }, 405);
      // Nothing is configured under that key.
      if (decodeURIComponent(target) !== `/notify/${key}`) {
        return new Response(null, { status: 204 });
      }
      const sent: AppriseNotification = JSON.parse(body);
      const known = ["info", "success", "warning", "failure"].includes(sent.type) &&
        ["text", "markdown", "html"].includes(sent.format);
      if (!sent.body || !known) return json({ error: "Bad FORM Payload provided" }, 400);
      this.notifications.push(sent);
      return json({ error: null });
    });
  }
}
