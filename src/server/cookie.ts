/**
 * The cookie of a session: what it is called, where it is sent, how it is read. Where its name says
 * so, a browser takes it from this very host and over TLS only, and nobody else can plant one.
 *
 * @module
 */

/** How long a browser keeps it, seconds: as long as a session lasts. */
export const SESSION_SECONDS: number = 30 * 86_400;

/** How a server is reached. */
export interface Reached {
  /** The connection itself is encrypted. */
  readonly secure: boolean;
  /** Where people reach it, if that is known. */
  readonly baseUrl: URL | null;
}

/** What a request's cookie holds; null without one. */
export function sessionSecret(
  request: Pick<Request, "headers">,
  reached: Reached,
): string | null {
  const header = request.headers.get("cookie");
  if (header === null) return null;
  const names = isSurelySecure(request, reached)
    ? [nameOf(request, { ...reached, secure: true })]
    : [true, false].map((secure) => nameOf(request, { ...reached, secure }));
  for (const name of names) {
    const values = header.split(";").map((each) => each.trim())
      .filter((each) => each.startsWith(`${name}=`)).map((each) => each.slice(name.length + 1));
    // Two of one name: the other was planted on another path.
    if (values.length === 1) return values[0]!;
  }
  return null;
}

/** The header that has a browser keep it; with null, forget it. */
export function sessionCookie(
  secret: string | null,
  request: Pick<Request, "headers">,
  reached: Reached,
): string {
  const origin = request.headers.get("origin");
  // A proxy may speak TLS for us; the browser says whether it did.
  const secure = reached.secure ||
    (origin === null ? isSurelySecure(request, reached) : origin.startsWith("https:"));
  return [
    `${nameOf(request, { ...reached, secure })}=${secret ?? ""}`,
    `Path=${basePath(reached.baseUrl) || "/"}`,
    `Max-Age=${secret === null ? 0 : SESSION_SECONDS}`,
    "HttpOnly",
    "SameSite=Strict",
    ...(secure ? ["Secure"] : []),
  ].join("; ");
}

/** What stands before every path where people reach the server, without a final slash. */
export function basePath(baseUrl: URL | null): string {
  return baseUrl?.pathname.replace(/\/+$/, "") ?? "";
}

/**
 * Under a prefix it is sent there alone: what else the proxy stands before need not see it. Cookies
 * know no ports: without the port in its name, servers that are reached through a tunnel each would
 * log each other out.
 */
function nameOf(request: Pick<Request, "headers">, { secure, baseUrl }: Reached): string {
  if (secure) return basePath(baseUrl) === "" ? "__Host-tinyforge" : "__Secure-tinyforge";
  return `tinyforge_${/:(\d{1,5})$/.exec(request.headers.get("host") ?? "")?.[1] ?? "80"}`;
}

function isSurelySecure(request: Pick<Request, "headers">, { secure, baseUrl }: Reached): boolean {
  return secure || baseUrl !== null && baseUrl.protocol === "https:" &&
      request.headers.get("host")?.toLowerCase() === baseUrl.host;
}
