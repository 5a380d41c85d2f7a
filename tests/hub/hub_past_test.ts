/**
 * What was on many hosts, as a hub tells it, held against what each host says itself and against a
 * plain account of each second: random histories on real stores, a real PostgreSQL, and a network
 * between that loses, doubles and delays.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { openDatabase } from "../../src/hub/database.ts";
import { HubPast } from "../../src/hub/hub_past.ts";
import type { Sql } from "../../src/hub/sql.ts";
import type { HistoryEntry, PastRow } from "../../src/model/past.ts";
import type { HistoryQuery, PastPort } from "../../src/model/past_port.ts";
import { BASE, boundedBy, compare, histories, SECOND, type Step } from "../harness/past_world.ts";
import { sharedCluster } from "../harness/postgres.ts";
import { FATES } from "./network.ts";
import { type ToldWorld, toldWorld } from "./told_world.ts";

const cluster = sharedCluster();

const tells = fc.array(fc.array(fc.constantFrom(...FATES), { maxLength: 3 }), { maxLength: 25 });

/** Two hosts with random histories that told a hub of all of them in the end. */
async function played(
  sql: Sql,
  hosts: readonly (readonly [
    readonly [readonly Step[], boolean],
    readonly (readonly typeof FATES[number][])[],
  ])[],
  check: (hub: HubPast, told: readonly { host: ToldWorld; own: PastPort }[]) => Promise<void>,
): Promise<void> {
  await sql`TRUNCATE tinyforge.hosts, tinyforge.transitions, tinyforge.enrolments CASCADE`;
  await using open = new AsyncDisposableStack();
  const told: { host: ToldWorld; own: PastPort }[] = [];
  for (const [i, [[steps, fresh], network]] of hosts.entries()) {
    const host = open.use(await toldWorld(sql, `host-${i}`));
    for (const [i, step] of steps.entries()) {
      await host.world.play(step);
      for (const fate of network[i] ?? []) await host.tell(fate);
      if (i % 5 === 4) await host.network.arrive(i);
    }
    told.push({ host, own: await host.end({ fresh }) });
  }
  const now = () => Math.max(...told.map(({ host }) => host.now()));
  await check(new HubPast({ sql, now }), told);
}

async function withDatabase(test: (sql: Sql) => Promise<void>): Promise<void> {
  const sql = await openDatabase(await cluster.newDatabase());
  try {
    await test(sql);
  } finally {
    await sql.end();
  }
}

const withoutPruning = ([[steps, fresh], told]: Parameters<typeof played>[1][number]) =>
  [[steps.filter(({ op }) => !op.startsWith("prune")), fresh], told] as const;

Deno.test("a hub tells the past of each host as that host does, whatever the network did", () =>
  withDatabase(async (sql) => {
    const host = fc.tuple(histories, tells);
    await fc.assert(
      fc.asyncProperty(host, host, fc.integer({ min: 1, max: 5 }), async (one, two, size) => {
        await played(sql, [one, two].map(withoutPruning), async (hub, told) => {
          for (const { host, own } of told) {
            const { name } = host;
            const end = host.world.second;
            for (let second = 0; second < end; second += Math.max(1, Math.ceil(end / 12))) {
              const moment = BASE + second * SECOND;
              const found = host.asOwn(await hub.at(moment, { host: name }));
              assertEquals(found, await own.at(moment), `second ${second}`);
              compare(found, host.world.account[second]!, second);
            }
            const from = BASE + Math.floor(end / 3) * SECOND;
            const window = { from, until: host.now(), maxSpans: 20 };
            const ran = host.asOwn(await hub.availability({ ...window, host: name }));
            assertEquals(ran, await own.availability(window));
            const [id] = host.world.ids.values();
            const ofOne = { ...window, workloadIds: [`${name}:${id}`] };
            assertEquals(
              host.asOwn(await hub.availability(ofOne)),
              await own.availability({ ...window, workloadIds: [id!] }),
            );
            const none = Array.from({ length: 60 }, (_, i) => `${name}:none-${i}`);
            const named = (workloadIds: string[]) =>
              hub.history({ audit: false, limit: 1000, workloadIds });
            assertEquals(
              await named([`${name}:${id}`, ...none]),
              await named([`${name}:${id}`]),
            );
            assertEquals(
              host.asOwn((await named([`${name}:${id}`])).items.map(unkeyed)),
              (await own.history({ audit: false, limit: 1000, workloadIds: [id!] })).items
                .map(unkeyed),
            );
            const happened = (await own.history({ audit: false, limit: 1000 })).items;
            const all = await hub.history({ audit: false, limit: 1000, host: name });
            assertEquals(host.asOwn(all.items.map(unkeyed)), happened.map(unkeyed));
            assertEquals(await paged(hub, { host: name, limit: size }), all.items);
          }
          // All of them together are what each of them is.
          const moment = BASE + Math.floor(told[0]!.host.world.second / 2) * SECOND;
          const each = await Promise.all(
            told.map(({ host: { name } }) => hub.at(moment, { host: name })),
          );
          assertEquals(
            await rowsInPages(hub, { moment, limit: size }),
            each.flatMap((x) => x.items),
          );
          const history = await hub.history({ audit: false, limit: 1000 });
          assertEquals(await paged(hub, { limit: size }), history.items);
          assertEquals(
            history.items.length,
            (await Promise.all(
              told.map(({ host: { name } }) =>
                hub.history({ audit: false, limit: 1000, host: name })
              ),
            )).reduce((sum, { items }) => sum + items.length, 0),
          );
        });
      }),
      { numRuns: 25 },
    );
  }));

/** Its row gets another container and the one of before, which is forgotten before it is told. */
const FORGOTTEN_BEFORE_TOLD: Parameters<typeof played>[1][number] = [
  [
    [
      ...[1, 1, 2, 1].map((container) => stepOf({ op: "pass", container })),
      stepOf({ op: "prune-count" }),
      stepOf({ op: "pass", wait: 1 }),
    ],
    false,
  ],
  [["arrives"], ["arrives"], ["arrives"]],
];

/** The same, and its row changes once more, which is told. */
const FORGOTTEN_BETWEEN: Parameters<typeof played>[1][number] = [
  [
    [
      ...Array.from({ length: 4 }, () => stepOf({ op: "pass", container: 1 })),
      stepOf({ op: "pass", role: "b", container: 2 }),
      stepOf({ op: "pass", role: "b", container: 1 }),
      stepOf({ op: "prune-count" }),
      stepOf({ op: "pass", container: 1, wait: 2 }),
      stepOf({ op: "pass", role: "b", container: 2 }),
    ],
    false,
  ],
  [[], ["arrives"], [], ["arrives"], ["arrives"]],
];

Deno.test("a hub says of a past that its host has forgotten no more than was, and no less than is kept", () =>
  withDatabase(async (sql) => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(histories, tells), async (one) => {
        await played(sql, [one], async (hub, [told]) => {
          const { host } = told!;
          const { world } = host;
          for (let second = 0; second < world.second; second += second < 20 ? 2 : 17) {
            const found = host.asOwn(await hub.at(BASE + second * SECOND));
            compare(found, world.account[second]!, second);
          }
          boundedBy(
            host.asOwn(await hub.availability({ from: BASE, until: host.now(), maxSpans: 0 })),
            world.account,
          );
        });
      }),
      {
        numRuns: 25,
        examples: [[FORGOTTEN_BEFORE_TOLD], [FORGOTTEN_BETWEEN]],
      },
    );
  }));

function unkeyed({ key: _, ...entry }: HistoryEntry): Omit<HistoryEntry, "key"> {
  return entry;
}

async function paged(
  hub: PastPort,
  query: Pick<HistoryQuery, "host" | "limit">,
): Promise<HistoryEntry[]> {
  let page = await hub.history({ audit: false, ...query });
  const all = [...page.items];
  while (page.before !== null) {
    page = await hub.history({ audit: false, ...query, before: page.before });
    all.unshift(...page.items);
  }
  return all;
}

async function rowsInPages(
  hub: PastPort,
  { moment, limit }: { moment: number; limit: number },
): Promise<PastRow[]> {
  let page = await hub.at(moment, { limit });
  const all = [...page.items];
  while (page.nextCursor !== null) {
    assert(page.items.length <= limit);
    page = await hub.at(moment, { limit, after: page.nextCursor });
    all.push(...page.items);
  }
  return all;
}

function stepOf(told: Partial<Step>): Step {
  const row = { site: "blog", role: "a", state: "running", container: 1 } as const;
  return { op: "pass", wait: 0, keep: 0, ...row, ...told } as Step;
}
