/**
 * Notices to tell, and names that nobody should have.
 *
 * @module
 */

import type { Message } from "../../src/notify/channel.ts";
import {
  digestOf,
  type NoticeContent,
  type NoticeKind,
  noticeOf,
  type NoticeProblem,
} from "../../src/notify/notice.ts";

/** 10:00 UTC of a Thursday. */
export const TEN = Date.UTC(2026, 10, 26, 10, 0, 0);
export const MINUTE = 60_000;

/** A problem, of which a test says what matters to it. */
export function problem(over: Partial<NoticeProblem> = {}): NoticeProblem {
  return {
    key: "missing:row-1",
    kind: "missing",
    severity: "high",
    workload: "shop",
    row: "web 2",
    container: "shop-web-2",
    since: TEN,
    closedAt: null,
    evidence: ["exit code 1", "restart policy no"],
    do: "docker start shop-web-2",
    ...over,
  };
}

/** The notice of one problem, five minutes after it began. */
export function notice(
  kind: Exclude<NoticeKind, "digest" | "test"> = "opened",
  over: Partial<NoticeProblem> = {},
): NoticeContent {
  const over7 = kind === "recovered" || kind === "combined" ? { closedAt: TEN + 7 * MINUTE } : {};
  return noticeOf(kind, problem({ ...over7, ...over }), {
    at: TEN + 5 * MINUTE,
    host: "nas",
    path: "/workloads/shop",
  });
}

/** A list of so many problems of one workload, with which the same is wrong. */
export function digest(count: number, over: Partial<NoticeProblem> = {}): NoticeContent {
  return listOf(
    Array.from(
      { length: count },
      (_, i) => problem({ key: `missing:row-${i}`, row: `web ${i}`, ...over }),
    ),
  );
}

/** A list of so many problems, each of another workload. */
export function scattered(count: number, over: Partial<NoticeProblem> = {}): NoticeContent {
  const { problems } = digest(count, over);
  return listOf(
    Array.from({ length: count }, (_, i) => ({
      ...problems[0]!,
      ...{ key: `missing:row-${i}`, workload: `${over.workload ?? "shop"}${i}` },
    })),
  );
}

function listOf(problems: readonly NoticeProblem[]): NoticeContent {
  return digestOf(problems, {
    at: TEN + 5 * MINUTE,
    host: "nas",
    path: "/problems",
    reason: "burst",
  });
}

/** A message of it. */
export function message(content: NoticeContent = notice(), over: Partial<Message> = {}): Message {
  return {
    id: "msg_0123456789",
    content,
    language: "en",
    timeZone: "UTC",
    baseUrl: "https://tinyforge.test",
    ...over,
  };
}

/** Names that try to ping, to mark up, to break out, to hide and to be long. */
export const HOSTILE: readonly string[] = [
  "@everyone",
  "@here @channel @all",
  "<!channel> <!here> <@U123>",
  "<@123456789> <@&987> <#555>",
  "**bold** _it_ ~~s~~ `c` [l](http://evil.test) > q # h",
  "```\ncode\n```",
  "<b>b</b><script>alert(1)</script><a href='http://evil.test'>x</a>",
  "&lt;b&gt; &amp; \"quoted\" 'single'",
  "a\r\nBcc: victim@evil.test\r\n\r\nbody",
  "x\u202egnp.exe\u2066\u200f",
  "zero\u200bwidth\u2060\ufeffjoined",
  "\u001b[31mred\u0007\u0000",
  "\ud800 lone",
  "https://evil.test/?a=b&c=d",
  "a".repeat(100_000),
  "&".repeat(100_000),
  "<".repeat(300),
  "😀".repeat(50_000),
  "@room\\",
];

/** A problem in which every text is this. */
export function hostile(text: string): Partial<NoticeProblem> {
  return {
    workload: text,
    row: text,
    container: text,
    kind: text,
    evidence: [text, text, text],
    do: text,
  };
}
