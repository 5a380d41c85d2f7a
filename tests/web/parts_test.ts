/**
 * The parts of the dashboard that need no browser: events out of a stream, filters out of an
 * address, the order of rows, commands.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { checkOperands, parseArguments } from "../../src/cli/arguments.ts";
import { remedyText } from "../../src/cli/problem_words.ts";
import type { Remedy } from "../../src/model/problem.ts";
import { WORKLOAD_KINDS } from "../../src/model/workload.ts";
import { HUB_ROUTES } from "../../src/server/hub_routes.ts";
import { ROUTES } from "../../src/server/routes.ts";
import { changeOf } from "../../src/web/changes.ts";
import { commandOf, undoOf } from "../../src/web/commands.ts";
import {
  countValues,
  type Filters,
  filtersAnything,
  filtersOf,
  matcher,
  toggled,
} from "../../src/web/filters.ts";
import { Refreshed } from "../../src/web/live/refreshed.ts";
import type { Row } from "../../src/web/live/rows.ts";
import { EventParser } from "../../src/web/live/sse.ts";
import { comparator, grouped, Ordering, resorted, sortOf } from "../../src/web/order.ts";
import { ENGLISH } from "../../src/web/words/en.ts";
import { RUSSIAN } from "../../src/web/words/ru.ts";
import { english, russian } from "../../src/web/words/plural.ts";

const NOBODY: ReadonlySet<string> = new Set();

function row(fields: Partial<Row> & Pick<Row, "id">): Row {
  return {
    host: "local",
    lastState: null,
    workloadId: "w",
    workloadKind: "stack",
    workloadName: "shop",
    role: "web",
    replica: 1,
    name: fields.id,
    image: "busybox:1",
    state: "running",
    health: null,
    exitCode: null,
    port: null,
    hostIp: null,
    hostPort: null,
    stageName: null,
    subdomain: null,
    claimed: true,
    since: 0,
    ...fields,
  };
}

function mapOf(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((each) => [each.id, each]));
}

Deno.test("EventParser gives the same events however the stream is cut", () => {
  const text = ': tinyforge\nretry: 2000\n\nevent: snapshot\ndata: {"first":true}\n\n' +
    ': keepalive\n\nid: 7\nevent: change\ndata: {"items":[]}\n\ndata: a\ndata: b\n\n';
  const whole = new EventParser().push(text);
  assertEquals(whole, [
    { name: "snapshot", id: null, data: '{"first":true}' },
    { name: "change", id: "7", data: '{"items":[]}' },
    { name: "message", id: null, data: "a\nb" },
  ]);
  fc.assert(fc.property(fc.array(fc.nat(text.length)), (cuts) => {
    const parser = new EventParser();
    const at = [0, ...cuts.sort((a, b) => a - b), text.length];
    const events = at.slice(1).flatMap((end, i) => parser.push(text.slice(at[i], end)));
    assertEquals(events, whole);
  }));
});

Deno.test("Refreshed asks again after it forgot while an answer was on its way", async () => {
  const asked: PromiseWithResolvers<string>[] = [];
  const refreshed = new Refreshed(() => {
    asked.push(Promise.withResolvers());
    return asked.at(-1)!.promise;
  }, { everyMs: 0 });
  refreshed.refresh();
  refreshed.refresh();
  assertEquals(asked.length, 1);
  refreshed.forget();
  refreshed.refresh();
  assertEquals(asked.length, 2);
  // The old answer is of who was here before: neither kept nor taken for the end of the new one.
  asked[0]!.resolve("old");
  await asked[0]!.promise;
  refreshed.refresh();
  assertEquals([asked.length, refreshed.value.value], [2, null]);
  asked[1]!.resolve("new");
  await asked[1]!.promise;
  assertEquals(refreshed.value.value, "new");
  // It was asked for meanwhile, so once more.
  await Promise.resolve();
  assertEquals(asked.length, 3);
  asked[2]!.reject(new Error("refused"));
  await asked[2]!.promise.catch(() => {});
  assertEquals([refreshed.value.value, refreshed.error.value?.message], ["new", "refused"]);
});

Deno.test("filtersOf() reads what toggled() writes, whatever values there are", () => {
  const values = fc.array(fc.stringMatching(/^[a-z:-]{1,12}$/), { maxLength: 5 });
  fc.assert(fc.property(values, values, fc.string(), fc.boolean(), (states, kinds, q, problem) => {
    const query = new URLSearchParams();
    const put = (name: string, chosen: string[]) => {
      let text = "";
      for (const value of new Set(chosen)) {
        text = toggled(new Set(text.split(",").filter(Boolean)), value);
      }
      query.set(name, text);
    };
    put("state", states);
    put("kind", kinds);
    query.set("q", q);
    if (problem) query.set("problem", "yes");
    const filters = filtersOf(new URLSearchParams(query.toString()));
    assertEquals(filters.state, new Set(states));
    assertEquals(filters.kind, new Set(kinds));
    assertEquals(filters.problem, problem);
    assertEquals(filters.search, q.trim().toLowerCase());
  }));
  assertEquals(toggled(new Set(["a", "b"]), "a"), "b");
});

Deno.test("matcher() lets through what every facet, the search and the problem allow", () => {
  const rows = [
    row({ id: "1", state: "missing" }),
    row({ id: "2", health: "unhealthy", image: "Registry.Example/App:2" }),
    row({ id: "3", workloadKind: "site", workloadName: "blog" }),
  ];
  const found = (query: string, troubled = NOBODY) =>
    rows.filter(matcher(filtersOf(new URLSearchParams(query)), { troubled })).map(({ id }) => id);
  assertEquals(found(""), ["1", "2", "3"]);
  assertEquals(found("state=missing,paused"), ["1"]);
  assertEquals(found("health=none"), ["1", "3"]);
  assertEquals(found("kind=stack&health=unhealthy"), ["2"]);
  assertEquals(found("q=app registry"), ["2"]);
  assertEquals(found("q=BLOG"), ["3"]);
  assertEquals(found("q=1"), ["1", "3"]);
  assertEquals(found("problem=yes", new Set(["3"])), ["3"]);
  assertEquals(found("state=a-state-of-the-future"), []);
  assert(!filtersAnything(filtersOf(new URLSearchParams("sort=name&row=1"))));
});

Deno.test("countValues() counts what choosing a value would show, and keeps what was chosen", () => {
  const rows = [
    row({ id: "1", state: "missing" }),
    row({ id: "2", workloadKind: "site" }),
    row({ id: "3" }),
  ];
  const filters: Filters = filtersOf(new URLSearchParams("kind=stack&state=paused"));
  const counts = countValues(rows, "state", { filters, troubled: NOBODY });
  assertEquals([...counts].sort(), [["missing", 1], ["paused", 0], ["running", 1]]);
});

Deno.test("Ordering sorts, holds what stands while it is held, and puts what is new behind", () => {
  const ordering = new Ordering();
  const compare = comparator(sortOf(new URLSearchParams("sort=state")), "en");
  const order = (rows: readonly Row[], held = false, keep: string | null = null) =>
    ordering.order(mapOf(rows), {
      matches: ({ state }) => state !== "created",
      compare,
      held,
      keep,
    }).map(({ id }) => id);
  const [a, b, c] = [row({ id: "a" }), row({ id: "b" }), row({ id: "c", state: "missing" })];
  assertEquals(order([a, b, c]), ["c", "a", "b"]);
  const gone = row({ id: "b", state: "missing" });
  const fresh = row({ id: "0", state: "missing" });
  assertEquals(order([a, gone, c, fresh], true), ["c", "a", "b", "0"]);
  assertEquals(order([a, gone, c, fresh]), ["0", "b", "c", "a"]);
  // The row that somebody is in stays, though the filter has no place for it any more.
  const left = row({ id: "b", state: "created" });
  assertEquals(order([a, left, c, fresh], true, "b"), ["0", "b", "c", "a"]);
  assertEquals(order([a, left, c, fresh]), ["0", "c", "a"]);
});

Deno.test("comparator() and grouped() order any rows the same from any beginning", () => {
  const rows = fc.uniqueArray(
    fc.record({
      id: fc.string({ minLength: 1 }),
      workloadId: fc.constantFrom("w1", "w2", "w3"),
      role: fc.constantFrom("", "web", "db"),
      replica: fc.integer({ min: 1, max: 3 }),
      state: fc.constantFrom("running", "missing", "engine:odd"),
      name: fc.constantFrom("web-2", "web-10", "WEB-1"),
      since: fc.nat(3),
    }),
    { selector: ({ id }) => id, maxLength: 12 },
  );
  const sorts = ["workload", "-name", "state", "-since", "image"];
  fc.assert(fc.property(rows, fc.constantFrom(...sorts), fc.boolean(), (told, sort, group) => {
    const all = told.map((each) => row({ ...each, workloadName: `name-of-${each.workloadId}` }));
    const by = comparator(sortOf(new URLSearchParams({ sort })), "ru");
    const compare = group ? grouped(by, "ru") : by;
    const ids = (each: readonly Row[]) => [...each].sort(compare).map(({ id }) => id);
    assertEquals(ids(all), ids([...all].reverse()));
  }));
});

Deno.test("resorted() turns a column round, and back to the first order", () => {
  const next = (sort: string, key: Parameters<typeof resorted>[1]) =>
    resorted(sortOf(new URLSearchParams({ sort })), key);
  assertEquals(next("", "name"), "name");
  assertEquals(next("name", "name"), "-name");
  assertEquals(next("-name", "name"), "name");
  assertEquals(next("", "workload"), "-workload");
  assertEquals(next("-workload", "workload"), "");
  assertEquals(sortOf(new URLSearchParams("sort=nonsense")).key, "workload");
});

const WORKLOAD = { id: "w", kind: "site", name: "blog" } as const;

Deno.test("commandOf() quotes what others named, and gives nothing that can't be read", () => {
  const command = (remedy: Remedy, name = "blog") =>
    commandOf({ do: remedy, workload: { ...WORKLOAD, name } });
  assertEquals(
    command({ code: "read-log", container: "web; rm -rf /" }),
    "docker logs --tail 50 'web; rm -rf /'",
  );
  assertEquals(command({ code: "start", container: "a\u202eb", workloadId: "w" }), null);
  assertEquals(command({ code: "unpause", container: "-v" }), "docker unpause -- '-v'");
  assertEquals(command({ code: "of-the-future" } as never), null);
  const missing = { code: "bring-back", workloadId: "w", rowId: "r" } as const;
  assertEquals(command(missing, "it's"), "tinyforge accept 'site/it'\\''s'");
  assertEquals(command(missing, "a\u202eb"), null);
  assertEquals(commandOf({ do: missing, workload: null }), null);
});

Deno.test("commandOf() and undoOf() give commands that the command table has, and that a terminal is told", () => {
  const containers = ["web"];
  const remedies: { [Code in Remedy["code"]]: Extract<Remedy, { code: Code }> } = {
    "bring-back": { code: "bring-back", workloadId: "w", rowId: "r" },
    "deploy": { code: "deploy", workloadId: "w", rowId: "r" },
    "read-log": { code: "read-log", container: "web" },
    "start": { code: "start", container: "web", workloadId: "w" },
    "raise-memory": { code: "raise-memory", container: "web" },
    "read-health": { code: "read-health", container: "web" },
    "explain": { code: "explain", rowId: "r" },
    "unpause": { code: "unpause", container: "web" },
    "remove": { code: "remove", containers },
    "start-engine": { code: "start-engine", host: "h" },
    "read-own-log": { code: "read-own-log", host: "h" },
    "accept-engine": { code: "accept-engine", host: "h" },
    "back-up": { code: "back-up" },
    "reach-host": { code: "reach-host", host: "h" },
    "mend-labels": { code: "mend-labels", containers },
  };
  const helping = Object.values(remedies).flatMap((remedy) => {
    const problem = { do: remedy, workload: WORKLOAD };
    const command = commandOf(problem);
    assertStringIncludes(remedyText(problem), `\`${command}\``);
    if (command?.startsWith("tinyforge ") !== true) return [];
    return [command];
  });
  const undone = WORKLOAD_KINDS.map((kind) => undoOf({ kind, name: "shop" }));
  const found = [...helping, ...undone].map((command) => {
    const { command: known, operands } = parseArguments(command!.split(" ").slice(1));
    checkOperands(known!, operands);
    return known!.name;
  });
  assertEquals(
    new Set(found),
    new Set([
      ...["accept", "explain", "labels", "engine accept", "backup", "hub list", "rm"],
    ]),
  );
  assertEquals(undoOf({ kind: "site", name: "it's" }), "tinyforge rm --force site 'it'\\''s'");
  assertEquals(undoOf({ kind: "site", name: "a\u202eb" }), null);
});

Deno.test("russian() and english() know their forms, and what is left out is as other", () => {
  const counts = [1, 2, 5, 11, 21, 104];
  const forms = { one: "# стек", many: "# стеков", other: "# стека" };
  const stacks = ["1 стек", "2 стека", "5 стеков", "11 стеков", "21 стек", "104 стека"];
  assertEquals(counts.map((count) => russian(count, forms)), stacks);
  assertEquals(counts.map((count) => russian(count, { ...forms, few: "# стека" })), stacks);
  assertEquals(
    [1, 2, 1000].map((count) => english(count, { one: "# stack", other: "# stacks" })),
    ["1 stack", "2 stacks", "1,000 stacks"],
  );
});

Deno.test("the words of how many more are alike go with their number", () => {
  assertEquals([3, 5, 21, 59].map(RUSSIAN.overview.alike), [
    "Ещё 3 такие же",
    "Ещё 5 таких же",
    "Ещё 21 такая же",
    "Ещё 59 таких же",
  ]);
  assertEquals([3, 59].map(ENGLISH.overview.alike), ["3 more like this", "59 more like this"]);
});

Deno.test("changeOf() has words for whatever can be changed, in every language", () => {
  const actions = [...ROUTES, ...HUB_ROUTES].filter(([method]) => method !== "get")
    .map(([method, path]) => `${method.toUpperCase()} ${path}`);
  for (const { history: { changes } } of [ENGLISH, RUSSIAN]) {
    for (const action of [...actions, "restore"]) {
      const path = (action.split(" ")[1] ?? "").replace(/\{(\w+)\}/g, "the-$1");
      const text = changeOf({ action, path }, changes);
      assertEquals(/[A-Z]{3}|[{}/]|undefined|null/.test(text), false, text);
      assertEquals(text.includes("the-id"), action.includes("{id}"), text);
    }
  }
  const { changes } = ENGLISH.history;
  const of = (action: string, path: string) => changeOf({ action, path }, changes);
  assertEquals(of("POST /api/sites", "/api/sites"), "added: site");
  assertEquals(of("PATCH /api/stages/{id}", "/tf/api/stages/one"), "changed: stage one");
  assertEquals(of("PUT /api/moons/{id}", "/api/moons/io"), "PUT /api/moons/io");
});
