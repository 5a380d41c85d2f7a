/**
 * Who a request is from: by the token that it carries, the session in its cookie, or because it came
 * over the socket. What they may do stands in the table of routes.
 *
 * @module
 */

import type { Who } from "../model/access.ts";
import { hashSecret, isSameSecret, looksLikeSecret } from "../secret.ts";
import type { KeptSession } from "../store/sessions.ts";
import { effectiveUid } from "../system/libc.ts";
import { userText } from "../system/peer.ts";
import type { AccessPort, CodeMaker } from "./access_port.ts";
import { type AccessRules, type Entrance, isOwnOrigin, isSafe } from "./access.ts";
import { sessionSecret } from "./cookie.ts";
import { ProblemDetails } from "./problem_details.ts";

/** Who asks, and with what right. */
export interface Principal extends Who, CodeMaker {
  /** The session; null without one. */
  readonly session: KeptSession | null;
}

/** What {@link Credentials} looks into. */
export interface CredentialsOptions {
  /** Tokens and sessions. */
  readonly access: Pick<AccessPort, "tokens" | "sessions">;
  /** The clock. */
  now(): Date;
  /** Where people reach this server, if that is known. */
  readonly baseUrl: URL | null;
}

/** What a name of the table can't be, because of its space. */
const FILE = "token file";
const METRICS_FILE = "metrics token file";

/** Everything that opens something. */
export class Credentials {
  readonly #options: CredentialsOptions;
  /** The token in the file that was hashed last, and its hash. */
  #hashed: readonly [token: string, hash: string] = ["", ""];

  /** Looks at nothing yet. */
  constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  /**
   * Who the request is from.
   *
   * @throws {ProblemDetails} `unauthorized`, `forbidden-origin`.
   */
  async identify(request: Request, entrance: Entrance): Promise<Principal> {
    const { rules, remote } = entrance;
    if (rules === null) return trusted(entrance);
    const given = request.headers.get("authorization");
    if (given !== null) {
      const token = /^Bearer +(\S+) *$/i.exec(given)?.[1] ?? "";
      return await this.byToken(token, rules, remote) ?? refuse("wrong token, or one that is over");
    }
    const session = await this.sessionOf(request, entrance);
    if (session === null) return refuse("no token");
    // Other pages can have a browser send its cookies, but not say that they come from here.
    const origin = request.headers.get("origin");
    const own = { baseUrl: this.#options.baseUrl };
    if (!isSafe(request.method) && (origin === null || !isOwnOrigin(origin, request, own))) {
      throw new ProblemDetails("forbidden-origin", "Cannot change anything by a cookie alone", {
        hint: "send the Origin that the page came from, or a token",
      });
    }
    const { name, role, tokenId, fileHash } = session;
    return {
      ...{ who: name, via: "session", remote, role, tokenId, fileHash, session },
      isGood: async () => {
        const kept = await this.#options.access.sessions.find(session.id);
        return kept !== undefined && this.#isOpen(kept, rules);
      },
    };
  }

  /** Whose token it is; null: nobody's, or it is over. */
  async byToken(
    token: string,
    rules: AccessRules,
    remote: string | null,
  ): Promise<Principal | null> {
    const shared = { via: "token", remote, tokenId: null, fileHash: null, session: null } as const;
    if (isSameSecret(token, rules.token)) {
      return {
        ...{ ...shared, who: FILE, role: "admin", fileHash: this.#fileHash(rules) },
        isGood: () => isSameSecret(token, rules.token),
      };
    }
    if (rules.metricsToken !== null && isSameSecret(token, rules.metricsToken)) {
      return { ...shared, who: METRICS_FILE, role: "metrics", isGood: () => true };
    }
    const { tokens } = this.#options.access;
    const found = looksLikeSecret(token) ? await tokens.bySecret(token) : undefined;
    if (found === undefined || !this.#lasts(found.expiresAt)) return null;
    return {
      ...{ ...shared, who: found.name, role: found.role, tokenId: found.id },
      isGood: async () => {
        const kept = await tokens.find(found.id);
        // A name can be another one's id.
        return kept?.id === found.id && this.#lasts(kept.expiresAt);
      },
    };
  }

  /** The session whose cookie it brings; null: none that is open. */
  async sessionOf(
    request: Pick<Request, "headers">,
    { secure, rules }: Entrance,
  ): Promise<KeptSession | null> {
    if (rules === null) return null;
    const { access, baseUrl } = this.#options;
    const secret = sessionSecret(request, { secure, baseUrl });
    const session = secret !== null && looksLikeSecret(secret)
      ? await access.sessions.bySecret(secret)
      : undefined;
    return session !== undefined && this.#isOpen(session, rules) ? session : null;
  }

  #isOpen({ expiresAt, fileHash }: KeptSession, rules: AccessRules): boolean {
    return this.#lasts(expiresAt) && (fileHash === null || fileHash === this.#fileHash(rules));
  }

  #lasts(expiresAt: number | null): boolean {
    return expiresAt === null || expiresAt > this.#options.now().getTime();
  }

  #fileHash({ token }: AccessRules): string {
    if (token !== this.#hashed[0]) this.#hashed = [token, hashSecret(token)];
    return this.#hashed[1];
  }
}

function trusted({ inside, user }: Entrance): Principal {
  return {
    // Asked when it is written down, which reading is not.
    get who() {
      return userText(inside ? effectiveUid() : user());
    },
    ...{ via: inside ? "command" : "socket", remote: null, role: "admin" },
    ...{ tokenId: null, fileHash: null, session: null },
    isGood: () => true,
  };
}

function refuse(why: string): never {
  throw new ProblemDetails("unauthorized", `Cannot answer: ${why}`, {
    hint:
      "send `Authorization: Bearer …` with a token, or what stands in the file `token` of the " +
      "data directory; or use the socket there, or log in",
    headers: { "www-authenticate": 'Bearer realm="tinyforge"' },
  });
}
