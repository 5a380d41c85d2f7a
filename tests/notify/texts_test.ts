import { assert, assertEquals, assertMatch } from "@std/assert";
import { type NoticeText, wholeText, written } from "../../src/notify/texts.ts";
import { testNotice } from "../../src/notify/notice.ts";
import { REFUSAL_REASONS } from "../../src/model/pass.ts";
import type { Evidence, Remedy } from "../../src/model/problem.ts";
import { toldProblem } from "../../src/notify/told_problem.ts";
import { remedyCommand } from "../../src/remedy_command.ts";
import { ENGLISH } from "../../src/notify/words_en.ts";
import { RUSSIAN } from "../../src/notify/words_ru.ts";
import { problem } from "../harness/problems.ts";
import {
  digest,
  HOSTILE,
  hostile,
  message,
  MINUTE,
  notice,
  problem as told,
  scattered,
  TEN,
} from "./notices.ts";

const PROBLEM = problem({
  kind: "crashed",
  ...{ workloadId: "w", rowId: "row-1", containerId: "c", containerName: "shop-web-1" },
  ...{ since: TEN, do: { code: "explain", rowId: "row-1" } },
});

const shown = ({ title, lines, link }: NoticeText) => [
  title,
  ...lines.map(({ text, verbatim }) => verbatim ? `| ${text}` : text),
  ...(link === null ? [] : [`${link.label}: ${link.url}`]),
];

Deno.test("wholeText() tells of an opening: who, what, since when, evidence, what to do, where", () => {
  assertEquals(shown(wholeText(message())), [
    "shop / web 2: its container is gone",
    "Since 10:00 (5 mins)",
    "Host: nas",
    "Container: shop-web-2",
    "| exit code 1",
    "| restart policy no",
    "What to do:",
    "| docker start shop-web-2",
    "Dashboard: https://tinyforge.test/workloads/shop",
  ]);
});

Deno.test("wholeText() tells it in Russian", () => {
  assertEquals(shown(wholeText(message(notice(), { language: "ru" }))), [
    "shop / web 2: контейнер пропал",
    "С 10:00 (5 мин)",
    "Хост: nas",
    "Контейнер: shop-web-2",
    "| exit code 1",
    "| restart policy no",
    "Что делать:",
    "| docker start shop-web-2",
    "Панель: https://tinyforge.test/workloads/shop",
  ]);
});

Deno.test("wholeText() reminds", () => {
  const reminder = { ...notice("reminder"), at: TEN + 26 * 60 * MINUTE };
  assertEquals(shown(wholeText(message(reminder))).slice(0, 2), [
    "Still: shop / web 2: its container is gone",
    "Since 26 Nov, 10:00 (1 day 2 hrs)",
  ]);
});

Deno.test("wholeText() says how long it lasted, and no more what was seen or what to do", () => {
  const lines = shown(wholeText(message(notice("recovered"))));
  assertEquals(lines.slice(0, 2), [
    "Over: shop / web 2: its container is gone",
    "10:00–10:07, it lasted 7 mins",
  ]);
  assert(!lines.includes("What to do:"));
  assert(!lines.some((line) => line.startsWith("| ")), lines.join());
  // Of what nobody heard of before, it is news.
  assert(shown(wholeText(message(notice("combined")))).includes("| exit code 1"));
});

Deno.test("wholeText() tells an opening and its end in one", () => {
  const title = (language: "en" | "ru", kind: string) =>
    wholeText(message(notice("combined", { kind }), { language })).title;
  assertEquals(title("en", "missing"), "shop / web 2 was down 10:00–10:07");
  assertEquals(title("ru", "missing"), "shop / web 2: простой 10:00–10:07");
  // It was never down.
  assertEquals(
    title("en", "refused"),
    "Over: shop / web 2: containers are refused: their labels do not fit, 10:00–10:07",
  );
});

Deno.test("wholeText() shows times in the zone it is told, and the date where it matters", () => {
  const over = { since: TEN - 12 * 60 * MINUTE, closedAt: TEN };
  const span = (timeZone: string) =>
    wholeText(message(notice("recovered", over), { timeZone })).lines[0]!.text;
  assertEquals(span("UTC"), "25 Nov, 22:00 – 26 Nov, 10:00, it lasted 12 hrs");
  assertEquals(span("Asia/Vladivostok"), "08:00–20:00, it lasted 12 hrs");
});

Deno.test("wholeText() tells many as a list of bounded length", () => {
  const lines = shown(wholeText(message(scattered(960))));
  assertEquals(lines.length, 1 + 20 + 1 + 1);
  assertEquals(lines.slice(0, 2), [
    "960 problems at once on nas",
    "• shop0 / web 0: its container is gone, since 10:00",
  ]);
  assertEquals(lines.at(-2), "and 940 more");
});

Deno.test("wholeText() tells on one line what is wrong alike with many rows of a workload", () => {
  const rows = digest(60).problems.map((each, i) => ({ ...each, since: TEN + i * 2000 }));
  const other = told({ key: "crashed:row-61", kind: "crashed", row: "db" });
  const shop = [...rows.slice(0, 30), other, ...rows.slice(30).toReversed()];
  const content = { ...digest(61), problems: shop };
  const said = (over: Partial<typeof content>, language: "en" | "ru") =>
    wholeText(message({ ...content, ...over }, { language })).lines.map(({ text }) => text);
  assertEquals(said({}, "en"), [
    "• shop / web 0, web 1, web 2 and 57 more: its container is gone, since 10:00–10:01",
    "• shop / db: crashed, since 10:00",
  ]);
  assertEquals(said({}, "ru"), [
    "• shop / web 0, web 1, web 2 и ещё 57: контейнер пропал, с 10:00–10:01",
    "• shop / db: контейнер упал, с 10:00",
  ]);
  // From the first that began to the last that ended; what lasts is told apart.
  const half = shop.map((each, i) => i < 50 ? { ...each, closedAt: TEN + i * MINUTE } : each);
  assertEquals(said({ problems: half }, "en"), [
    "• shop / web 0, web 1, web 2 and 46 more: its container is gone, over: 10:00–10:49",
    "• shop / db: crashed, over: 10:00–10:30",
    "• shop / web 30, web 31, web 32 and 8 more: its container is gone, since 10:01",
  ]);
  // Of few each is told, and each workload and host by itself.
  assertEquals(said({ problems: rows.slice(0, 3), total: 3 }, "en").length, 3);
  const two = rows.slice(0, 8).map((each, i) => ({ ...each, host: `host-${i % 2}` }));
  assertEquals(said({ problems: two, total: 9, host: null }, "en"), [
    "• host-0 / shop / web 0, web 2, web 4 and 1 more: its container is gone, since 10:00",
    "• host-1 / shop / web 1, web 3, web 5 and 1 more: its container is gone, since 10:00",
    "and 1 more",
  ]);
  // A row without a name is called by its container; a host's problem is like no other.
  const nameless = rows.slice(0, 4).map((each, i) => ({ ...each, row: null, container: `c${i}` }));
  assertMatch(said({ problems: nameless, total: 4 }, "en").join(), /^• shop \/ c0, c1, c2 and 1 /);
  const hosts = nameless.map((each) => ({ ...each, workload: null, container: null }));
  assertEquals(said({ problems: hosts, total: 4 }, "en").length, 4);
});

Deno.test("wholeText() counts in Russian", () => {
  const said = (count: number) => wholeText(message(digest(count), { language: "ru" })).title;
  assertEquals([1, 2, 5, 11, 21, 22, 1234].map(said), [
    "nas: 1 проблема сразу",
    "nas: 2 проблемы сразу",
    "nas: 5 проблем сразу",
    "nas: 11 проблем сразу",
    "nas: 21 проблема сразу",
    "nas: 22 проблемы сразу",
    "nas: 1\u00a0234 проблемы сразу",
  ]);
});

Deno.test("wholeText() says why there are many", () => {
  const title = (reason: "burst" | "restart" | "baseline") =>
    wholeText(message({ ...digest(3), reason })).title;
  assertEquals([title("burst"), title("restart"), title("baseline")], [
    "3 problems at once on nas",
    "3 problems after a restart on nas",
    "3 problems at first sight on nas",
  ]);
});

Deno.test("wholeText() says how many are back after a restart, and lists who is not", () => {
  const back = { right: 58, expected: 61 };
  const content = { ...digest(3), reason: "restart", back } as const;
  assertEquals(shown(wholeText(message(content))).slice(0, 3), [
    "58 of 61 are back after a restart on nas",
    "Not back:",
    "• shop / web 0: its container is gone, since 10:00",
  ]);
  const russian = (right: number) =>
    wholeText(message({ ...content, back: { right, expected: 61 } }, { language: "ru" }));
  assertEquals([1, 3, 58].map((right) => russian(right).title), [
    "nas: после перезапуска вернулся 1 контейнер из 61",
    "nas: после перезапуска вернулись 3 контейнера из 61",
    "nas: после перезапуска вернулось 58 контейнеров из 61",
  ]);
  assertEquals(russian(58).lines[0]!.text, "Не вернулись:");
  // What came back meanwhile is no more missing.
  const over = { ...content, kind: "combined" } as const;
  assertEquals(wholeText(message(over)).title, "3 problems on nas, all over");
});

Deno.test("wholeText() says every kind of message in Russian", () => {
  const of = (content: ReturnType<typeof notice>) =>
    shown(wholeText(message(content, { language: "ru", baseUrl: null })))
      // Some of its spaces do not break.
      .map((line) => line.replaceAll(/\s/g, " "));
  const over = { workload: null, row: null, container: null, evidence: [], do: null };
  assertEquals(
    Object.keys(RUSSIAN.kinds).map((kind) => of(notice("opened", { ...over, kind }))[0]),
    [
      "nas: контейнер пропал",
      "nas: контейнер так и не появился",
      "nas: контейнер упал",
      "nas: контейнер остановлен",
      "nas: не хватило памяти",
      "nas: не проходит проверку работоспособности",
      "nas: контейнер падает снова и снова",
      "nas: то работает, то нет",
      "nas: контейнер завис в промежуточном состоянии",
      "nas: Docker не отвечает",
      "nas: индекс устарел",
      "nas: отвечает другой Docker",
      "nas: на его место претендуют несколько контейнеров",
      "nas: контейнеры отклонены: метки не подходят",
      "nas: резервные копии не создаются",
      "nas: не отзывается",
      "nas: уведомления не доходят",
    ],
  );
  const low = { ...over, severity: "low", kind: "stopped" } as const;
  assertEquals(of(notice("reminder", low)), [
    "Всё ещё: nas: контейнер остановлен",
    "С 10:00 (5 мин)",
    "Важность: низкая",
    "Хост: nas",
  ]);
  assertEquals(of(notice("recovered", low)), [
    "Решено: nas: контейнер остановлен",
    "10:00–10:07, длилось 7 мин",
    "Важность: низкая",
    "Хост: nas",
  ]);
  assertEquals(
    of(notice("combined", { ...over, kind: "unhealthy" }))[0],
    "Решено: nas: не проходит проверку работоспособности, 10:00–10:07",
  );
  const content = scattered(22);
  const title = (over: Partial<typeof content>) => of({ ...content, ...over })[0];
  assertEquals(
    [title({ reason: "baseline" }), title({ reason: "restart" }), title({ kind: "combined" })],
    [
      "nas: 22 проблемы при первой проверке",
      "nas: 22 проблемы после перезапуска",
      "nas: 22 проблемы, уже решены",
    ],
  );
  assertEquals(of(content).at(-1), "и ещё 2");
  assertEquals(
    of(digest(1, { closedAt: TEN + MINUTE }))[1],
    "• shop / web 0: контейнер пропал, решено: 10:00–10:01",
  );
  assertEquals(of(testNotice(TEN, "nas")), [
    "Tinyforge: проверка уведомлений",
    "Сообщения сюда доходят. Отправлено 26 нояб. 2026 г., 10:00:00 UTC.",
    "Хост: nas",
  ]);
});

Deno.test("toldProblem() tells in Russian what was seen, and as they are what programs said", () => {
  const names = { workload: () => "shop", row: () => null };
  const lines = (evidence: Evidence, words = RUSSIAN) =>
    toldProblem({ ...PROBLEM, evidence }, { names, words }).evidence;
  const inspected = {
    error: "no such network",
    oomKilled: true,
    restartCount: 2,
    restartPolicy: "always",
    healthOutput: null,
  };
  assertEquals(lines({ inspected }), [
    "no such network",
    "закончилась память",
    "перезапущен 2 раза, политика перезапуска always",
  ]);
  assertEquals(lines({ count: 21, atLeast: true }), ["не менее 21 раза"]);
  assertEquals(lines({ count: 5, exitCode: 1, state: "restarting", health: "unhealthy" }), [
    "5 раз",
    "код завершения 1",
    "проверка работоспособности: не пройдена",
    "состояние: перезапускается",
  ]);
  assertEquals(lines({ state: "unheard-of" }), ["состояние: unheard-of"]);
  for (const reason of REFUSAL_REASONS) {
    assertMatch(lines({ reason })[0]!, /^[а-яё]+ [а-яёA-Za-z, ]+$/);
    assertMatch(lines({ reason }, ENGLISH)[0]!, /^[\w'-]+ [\w' -]+$/);
  }
  assertEquals(lines({ accepted: "A", found: "B" }), ["отвечает B вместо A"]);
  assertEquals(lines({ count: 3, exitCode: 1 }, ENGLISH), ["3 times", "exit code 1"]);
});

Deno.test("wholeText() puts the grave ones of many first, and says which are over", () => {
  const low = digest(1, { severity: "low", row: "db", closedAt: TEN + MINUTE }).problems;
  const content = digest(2);
  const listed = { ...content, problems: [...content.problems, ...low], total: 3 };
  assertEquals(
    wholeText(message(listed)).lines.at(-1)!.text,
    "• shop / db: its container is gone, over: 10:00–10:01",
  );
});

Deno.test("wholeText() tells a test", () => {
  const content = testNotice(TEN, null);
  assertEquals(shown(wholeText(message(content, { baseUrl: null }))), [
    "Tinyforge: this is a test",
    "Messages arrive here. Sent 26 Nov 2026, 10:00:00 UTC.",
  ]);
  assertMatch(wholeText(message(content, { language: "ru" })).lines[0]!.text, /^Сообщения сюда/);
});

Deno.test("wholeText() names the host where nothing else is known", () => {
  const over = { workload: null, row: null, container: null, kind: "engine-down" };
  assertEquals(wholeText(message(notice("opened", over))).title, "nas: Docker does not answer");
  const nameless = { ...notice("opened", over), host: null };
  assertEquals(wholeText(message(nameless)).title, "this host: Docker does not answer");
});

Deno.test("wholeText() links to nothing but the dashboard's own address", () => {
  const link = (baseUrl: string | null, path: string | null) =>
    wholeText(message({ ...notice(), path }, { baseUrl })).link?.url ?? null;
  assertEquals(link("https://host.test/forge/", "/problems"), "https://host.test/forge/problems");
  assertEquals(link("https://host.test", null), "https://host.test/");
  assertEquals(link("https://host.test", "//evil.test/x"), "https://host.test/evil.test/x");
  assertEquals(link("javascript:alert(1)", "/problems"), null);
  assertEquals(link("nonsense", "/problems"), null);
  assertEquals(link(null, "/problems"), null);
});

Deno.test("wholeText() makes harmless and bounds whatever a container is called", () => {
  for (const text of HOSTILE) {
    const each = hostile(text);
    for (const content of [notice("opened", each), digest(60, each), scattered(60, each)]) {
      const told = wholeText(message({ ...content, host: text }));
      for (const line of [told.title, ...told.lines.map(({ text }) => text)]) {
        assert(line.length <= 400, `${line.length}: ${line.slice(0, 80)}`);
        assert(!/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(line), JSON.stringify(line));
        assert(line.isWellFormed(), JSON.stringify(line));
      }
    }
  }
});

Deno.test("written() tells less, until the receiver takes it", () => {
  const fitting = (max: number) =>
    written(message(scattered(60)), {
      write: (text) => shown(text).join("\n"),
      fits: ({ length }) => length <= max,
    });
  for (const max of [2000, 1000, 500, 250]) {
    const text = fitting(max);
    assert(text.length <= max, `${text.length}`);
    const named = text.match(/^• /gm)!.length;
    assertMatch(text, new RegExp(`^and ${60 - named} more$`, "m"));
  }
  // With room for one name more it would have named one more.
  assert(fitting(1000).length > 1000 - 60);
});

Deno.test("written() shortens names where one problem is too much", () => {
  const long = "n".repeat(1000);
  const text = written(message(notice("opened", hostile(long))), {
    write: (text) => shown(text).join("\n"),
    fits: ({ length }) => length <= 400,
  });
  assert(text.length <= 400);
  assertMatch(text, /nnn…/);
});

Deno.test("the dictionaries have words for the same kinds, none of them twice", () => {
  for (const { kinds } of [ENGLISH, RUSSIAN]) {
    const words = Object.values(kinds);
    assertEquals(new Set(words).size, words.length);
  }
  assertEquals(Object.keys(RUSSIAN.kinds), Object.keys(ENGLISH.kinds));
});

Deno.test("toldProblem() tells the command that every surface has, and no acceptance of what is gone", () => {
  const names = { workload: () => "site/blog", row: () => null };
  const command = (remedy: Remedy) =>
    toldProblem({ ...PROBLEM, do: remedy }, { names, words: ENGLISH }).do;
  const memory: Remedy = { code: "raise-memory", container: "it's" };
  assertEquals(command(memory), remedyCommand(memory, null));
  assertEquals(command(memory), "docker update --memory SIZE 'it'\\''s'");
  assertEquals(
    command({ code: "mend-labels", containers: ["a"] }),
    "tinyforge labels site/blog",
  );
  assertEquals(
    command({ code: "bring-back", workloadId: "w", rowId: "r" }),
    "tinyforge explain r",
  );
  assertEquals(command({ code: "unpause", container: "a\u202eb" }), null);
});
