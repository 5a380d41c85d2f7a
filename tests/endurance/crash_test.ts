/**
 * SIGKILL at random moments loses nothing that was acknowledged and tears nothing; and what looks
 * for that sees it when it happens. The long form is `deno task crash`.
 */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { openStore } from "../../src/store/store.ts";
import { pass, siteRow } from "../harness/program.ts";
import { crash } from "./crash.ts";
import { renderCrash } from "./crash_report.ts";
import { DEPLOYED, UNTOLD } from "./thing.ts";
import { endsWithinTransaction } from "./wal.ts";
import { Ledger } from "./ledger.ts";
import { readDatabase } from "./found.ts";
const { Database } = await import("@db/sqlite");

Deno.test("a daemon that is killed at 22 random moments loses and tears nothing", async () => {
  const seed = Math.floor(Math.random() * 1e9);
  const report = await crash({ kills: 17, starts: 6, seed });
  const { kills, writes, lockMs } = report;
  assertEquals(report.violations, [], `seed ${seed}\n${renderCrash(report)}`);
  assertEquals(Object.values(kills).reduce((sum, count) => sum + count), 22);
  assert(writes.acknowledged > 50, `${writes.acknowledged} writes are too few to tell`);
  // Half the time after which a lock that can't be judged is taken for left over.
  const usual = Math.max(...lockMs.clean);
  const sorted = lockMs.afterKill.toSorted((a, b) => a - b);
  assert(sorted[sorted.length >> 1]! < usual + 1000, "a restart waits for the lock");
});

Deno.test("crash() notices when the write-ahead log is lost after a kill", async () => {
  const report = await crash({
    kills: 2,
    starts: 0,
    seed: 1,
    sabotage: async (dataDir) => await Deno.remove(join(dataDir, "tinyforge.db-wal")),
  });
  assert(report.violations.length > 0);
});

/** An index with one of everything, what was acknowledged of it, and a way to harm it. */
async function sample(test: (path: string, ledger: Ledger) => Promise<void> | void): Promise<void> {
  const directory = await Deno.makeTempDir();
  const path = join(directory, "tinyforge.db");
  try {
    using store = await openStore(path);
    const { entry: project } = store.registry.create("project", { name: "shop" });
    const stage = store.stages.create(project.id, { name: "production" });
    const { entry: site } = store.registry.create("site", { name: "blog", domain: "a.example" });
    store.deployed.saveDeployedContainer({
      id: `${DEPLOYED}1`,
      workloadId: project.workloadId,
      containerId: "c1",
      subdomain: "shop",
      stageId: stage.id,
    });
    pass(store, [
      siteRow(site.workloadId),
      ...[1, 2].map((n) =>
        siteRow(site.workloadId, {
          id: `${site.workloadId}:${n}`,
          containerId: `g${n}`,
          imageRef: "generation:1",
        })
      ),
    ]);
    store.close();
    const ledger = new Ledger();
    for (const { kind, id, workloadId, state } of readDatabase(path).things) {
      const thing = ledger.thing(kind, id);
      thing.workloadId = workloadId;
      thing.possible = [state];
    }
    await test(path, ledger);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function look(path: string, ledger: Ledger): string[] {
  const found = readDatabase(path);
  return [...found.violations, ...ledger.compare(found)];
}

function harm(path: string, sql: string): void {
  const db = new Database(path, { create: false });
  db.exec("PRAGMA foreign_keys = OFF");
  db.exec(sql);
  db.close();
}

Deno.test("readDatabase() and Ledger.compare() find nothing where nothing is wrong", async () => {
  await sample((path, ledger) => {
    assertEquals([...ledger.things].map(({ kind }) => kind), ["project", "site", "stage", "row"]);
    assertEquals(look(path, ledger), []);
  });
});

const HARM: readonly (readonly [what: string, sql: string, seen: RegExp])[] = [
  ["a lost row", `DELETE FROM containers WHERE id = '${DEPLOYED}1'`, /row row-1 .*found null/],
  [
    "a lost site",
    "DELETE FROM static_sites; DELETE FROM workloads WHERE kind = 'site'",
    /site .*"blog".*found null/,
  ],
  [
    "a lost column",
    "UPDATE containers SET subdomain = NULL WHERE subdomain = 'shop'",
    /found .*"subdomain":"".*wanted .*"subdomain":"shop"/,
  ],
  [
    "a workload with another name than its entry",
    "UPDATE workloads SET name = 'log' WHERE name = 'blog'",
    /found .*"name":"blog","workload":"log"/,
  ],
  [
    "another secret than the acknowledged one",
    "UPDATE workloads SET webhook_secret = 'x' WHERE kind = 'site'",
    /found .*"secret":"x"/,
  ],
  [
    "an entry without its workload",
    "DELETE FROM workloads WHERE kind = 'project'",
    /found .*"workload":"".*"secret":""/,
  ],
  [
    "a workload without its entry",
    "DELETE FROM static_sites",
    /^workload without its entry: site/,
  ],
  ["a reference to nothing", "DELETE FROM stages", /^dangling reference: containers stages/],
  [
    "an entry that nobody wrote",
    "INSERT INTO projects VALUES ('p', 'ghost', '', '')",
    /^nobody wrote .*ghost/,
  ],
  [
    "a row in another state than its story tells",
    "UPDATE containers SET state = 'stopped' WHERE container_id = 'g1'",
    /^row with another state than its story: .* stopped running/,
  ],
  [
    "a pass that wrote a deployer's column",
    "UPDATE containers SET subdomain = 'x' WHERE container_id = 'g1'",
    /^row of a pass with a deployer's column/,
  ],
  [
    "a pass written in part",
    "UPDATE containers SET image_ref = 'generation:2' WHERE container_id = 'g2'",
    /^pass written in part: generation:1,generation:2/,
  ],
  ["a missing table", "DROP TABLE transitions", /can't be read: no table transitions/],
];

for (const [what, sql, seen] of HARM) {
  Deno.test(`readDatabase() and Ledger.compare() find ${what}`, async () => {
    await sample((path, ledger) => {
      harm(path, sql);
      const violations = look(path, ledger);
      assert(violations.some((each) => seen.test(each)), violations.join("\n"));
    });
  });
}

Deno.test("readDatabase() finds a page that was overwritten", async () => {
  await sample(async (path, ledger) => {
    using file = await Deno.open(path, { read: true, write: true });
    const { size } = await file.stat();
    await file.seek(size - 4096, Deno.SeekMode.Start);
    await file.write(new Uint8Array(4096).fill(0x5a));
    assert(look(path, ledger).length > 0);
  });
});

Deno.test("Ledger.compare() takes an unanswered rotation for done or not done, never undone", async () => {
  await sample((path, ledger) => {
    const site = [...ledger.things].find(({ kind }) => kind === "site")!;
    const now = site.state!;
    const secret = "a".repeat(43);
    const rotate = (to: string) =>
      harm(
        path,
        `UPDATE workloads SET webhook_secret = '${to}'
      WHERE kind = 'site'`,
      );

    site.possible = [now, { ...now, secret: UNTOLD }];
    assertEquals(look(path, ledger), []);
    assertEquals(ledger.unanswered, { whole: 0, absent: 1 });

    site.possible = [now, { ...now, secret: UNTOLD }];
    rotate(secret);
    assertEquals(look(path, ledger), []);
    assertEquals(ledger.unanswered, { whole: 1, absent: 1 });
    assertEquals(site.state, { ...now, secret });

    site.spent.add(now["secret"]!);
    site.possible = [{ ...now, secret }, { ...now, secret: UNTOLD }];
    rotate(now["secret"]!);
    assertEquals(look(path, ledger).length, 1);
  });
});

Deno.test("endsWithinTransaction() tells a log that was cut short from a whole one", async () => {
  await sample(async (path) => {
    using db = new Connection(path);
    db.exec("UPDATE static_sites SET name = 'x'");
    await Deno.copyFile(path, `${path}.copy`);
    await Deno.copyFile(`${path}-wal`, `${path}.copy-wal`);
    assertEquals(endsWithinTransaction(`${path}.copy`), false);
    const { size } = await Deno.stat(`${path}.copy-wal`);
    await Deno.truncate(`${path}.copy-wal`, size - 1);
    assertEquals(endsWithinTransaction(`${path}.copy`), true);
  });
});

/** A database that closes with its scope. */
class Connection extends Database implements Disposable {
  [Symbol.dispose](): void {
    this.close();
  }
}
