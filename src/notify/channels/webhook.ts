/**
 * A receiver of one's own, by the Standard Webhooks specification: JSON, signed, with an id that
 * stays the same when it is sent again. Also the two simpler forms that other programs post.
 *
 * @module
 */

import { clip } from "../../text.ts";
import type { Channel, ChannelSettings, Message, Surroundings } from "../channel.ts";
import { DialError } from "../dial.ts";
import type { Asking } from "../exchange.ts";
import { httpChannel, urlOf } from "../http_channel.ts";
import { isOver, MAX_LISTED, type NoticeProblem, severityOf } from "../notice.ts";
import { outcomeOf } from "../outcome.ts";
import { type NoticeText, wholeText } from "../texts.ts";

/** The specification's advice, bytes. */
const MAX_BODY = 20_000;
const MAX_FIELD = 256;
const HEADER_PREFIX = "header:";

/**
 * Opens it. Secrets: `url`; `key` and, while keys are changed, `previousKey` (both `whsec_…`);
 * `authorization`; `header:NAME` for further headers. Forms: `standard` (the default), `apprise`
 * (Apprise's JSON), `text` (the text alone).
 */
export function openChannel(settings: ChannelSettings, surroundings: Surroundings): Channel {
  const { form = "standard" } = settings.config;
  return httpChannel(settings, surroundings, {
    rate: { burst: 50, perMinute: 600 },
    deliver: async (message, ask) => {
      const asking = form === "apprise"
        ? appriseForm(settings, message)
        : form === "text"
        ? textForm(settings, message)
        : await standardForm(settings, message, { now: surroundings.now() });
      return outcomeOf(await ask(asking), { now: surroundings.now() });
    },
  });
}

type Posted = Omit<Asking, "allowLoopback">;

async function standardForm(
  settings: ChannelSettings,
  message: Message,
  options: { now: number },
): Promise<Posted> {
  const body = payloadOf(message);
  const timestamp = String(Math.floor(options.now / 1000));
  const keys = [settings.secrets.key, settings.secrets.previousKey]
    .filter((key) => key !== undefined && key !== "");
  const signatures = await Promise.all(
    keys.map((key) => signatureOf(`${message.id}.${timestamp}.${body}`, key!)),
  );
  return {
    method: "POST",
    url: urlOf(settings),
    headers: {
      ...ownHeaders(settings),
      "content-type": "application/json",
      "webhook-id": message.id,
      "webhook-timestamp": timestamp,
      ...(signatures.length > 0 && { "webhook-signature": signatures.join(" ") }),
    },
    body,
  };
}

/** The same bytes whenever it is made of the same message. */
function payloadOf(message: Message): string {
  const { content } = message;
  const text = wholeText(message);
  for (let listed = Math.min(MAX_LISTED, content.problems.length);; listed = listed >> 1) {
    const payload = JSON.stringify({
      type: content.kind === "test" || content.kind === "digest"
        ? content.kind
        : `problem.${content.kind}`,
      timestamp: new Date(content.at).toISOString(),
      data: {
        severity: severityOf(content),
        title: text.title,
        text: textOf(text),
        link: text.link?.url ?? null,
        host: content.host === null ? null : clip(content.host, MAX_FIELD),
        reason: content.reason,
        back: content.back ?? null,
        total: content.total,
        problems: content.problems.slice(0, listed).map(toldOf),
      },
    });
    if (listed === 0 || new TextEncoder().encode(payload).length <= MAX_BODY) return payload;
  }
}

function toldOf(problem: NoticeProblem): Record<string, unknown> {
  const short = (text: string | null) => text === null ? null : clip(text, MAX_FIELD);
  return {
    key: short(problem.key),
    ...(problem.host !== undefined && { host: short(problem.host) }),
    kind: short(problem.kind),
    severity: problem.severity,
    workload: short(problem.workload),
    row: short(problem.row),
    container: short(problem.container),
    since: new Date(problem.since).toISOString(),
    closedAt: problem.closedAt === null ? null : new Date(problem.closedAt).toISOString(),
    evidence: problem.evidence.slice(0, 2).map(short),
    do: short(problem.do),
  };
}

/** `v1,` and the signature in base64. */
async function signatureOf(signed: string, secret: string): Promise<string> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    if (!secret.startsWith("whsec_")) throw new TypeError("it has no prefix");
    bytes = Uint8Array.fromBase64(secret.slice("whsec_".length));
    if (bytes.length === 0) throw new TypeError("it is empty");
  } catch (error) {
    throw new DialError("settings", "Cannot sign: the key is not whsec_ and base64", error);
  }
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(signed));
  return `v1,${new Uint8Array(signature).toBase64()}`;
}

function appriseForm(settings: ChannelSettings, message: Message): Posted {
  const text = wholeText(message);
  const type = isOver(message.content)
    ? "success"
    : message.content.kind === "test"
    ? "info"
    : severityOf(message.content) === "high"
    ? "failure"
    : "warning";
  return {
    method: "POST",
    url: urlOf(settings),
    headers: { ...ownHeaders(settings), "content-type": "application/json" },
    body: JSON.stringify({
      version: "1.0",
      title: text.title,
      message: textOf(text),
      attachments: [],
      type,
    }),
  };
}

function textForm(settings: ChannelSettings, message: Message): Posted {
  const text = wholeText(message);
  return {
    method: "POST",
    url: urlOf(settings),
    headers: { ...ownHeaders(settings), "content-type": "text/plain; charset=utf-8" },
    body: `${text.title}\n${textOf(text)}`,
  };
}

function textOf({ lines, link }: NoticeText): string {
  return [...lines.map(({ text }) => text), ...(link === null ? [] : [link.url])].join("\n");
}

function ownHeaders({ secrets }: ChannelSettings): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(secrets)) {
    if (name.startsWith(HEADER_PREFIX)) {
      headers[name.slice(HEADER_PREFIX.length).toLowerCase()] = value;
    }
  }
  if (secrets.authorization !== undefined) headers.authorization = secrets.authorization;
  return headers;
}
