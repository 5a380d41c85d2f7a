import { assertEquals } from "@std/assert";
import { withClosings } from "../../src/notify/combine.ts";
import { MAX_LISTED, testNotice } from "../../src/notify/notice.ts";
import { wholeText } from "../../src/notify/texts.ts";
import { digest, message, MINUTE, notice, TEN } from "./notices.ts";

const closing = (key: string) => ({ key, closedAt: TEN + 7 * MINUTE });

Deno.test("withClosings() makes one of an opening and its end", () => {
  const combined = withClosings(notice(), [closing("missing:row-1")]);
  assertEquals(combined.kind, "combined");
  assertEquals(wholeText(message(combined)).title, "shop / web 2 was down 10:00–10:07");
});

Deno.test("withClosings() leaves alone what has nothing to do with it", () => {
  const opened = notice();
  assertEquals(withClosings(opened, [closing("missing:row-9")]), opened);
  const test = testNotice(TEN, null);
  assertEquals(withClosings(test, [closing("missing:row-1")]), test);
});

Deno.test("withClosings() says in a list which are over, and of the list when all are", () => {
  const list = digest(2);
  const one = withClosings(list, [closing("missing:row-0")]);
  assertEquals(one.kind, "digest");
  assertEquals(wholeText(message(one)).lines.map(({ text }) => text), [
    "• shop / web 0: its container is gone, over: 10:00–10:07",
    "• shop / web 1: its container is gone, since 10:00",
  ]);
  const both = withClosings(one, [closing("missing:row-1")]);
  assertEquals(both.kind, "combined");
  assertEquals(wholeText(message(both)).title, "2 problems on nas, all over");
});

Deno.test("withClosings() does not say that all is over of what it only counts", () => {
  const list = digest(MAX_LISTED + 1);
  const closings = list.problems.map(({ key }) => closing(key));
  assertEquals(withClosings(list, closings).kind, "digest");
});

Deno.test("withClosings() keeps the first end of a problem", () => {
  const combined = withClosings(notice(), [closing("missing:row-1")]);
  const later = { key: "missing:row-1", closedAt: TEN + 9 * MINUTE };
  assertEquals(withClosings(combined, [later]), combined);
});
