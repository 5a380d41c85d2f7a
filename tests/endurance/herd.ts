/**
 * A thousand hosts after their hub was away for a minute, each with all its rows to tell:
 * `deno task herd [--hosts N] [--away SECONDS]`. Prints how they came back; exits with 1 where a bound
 * is broken. The hub and its PostgreSQL are real, and so is what each host decides: when to try and
 * when to wait. What they tell was written and packed before, as a thousand machines would have.
 *
 * @module
 */

import { assert } from "@std/assert";
import { openDatabase } from "../../src/hub/database.ts";
import { type AskHub, Dialer, type HubAnswer } from "../../src/hub/dialer.ts";
import { admit, enroll } from "../../src/hub/enrolment.ts";
import { hubRow } from "../../src/hub/row.ts";
import { digestOf } from "../../src/hub/told_fields.ts";
import { Log } from "../../src/telemetry/log.ts";
import { freePort } from "../harness/free_port.ts";
import { readHub, startHub, type TestHub } from "../harness/hub.ts";
import { startCluster } from "../harness/postgres.ts";
import { TestHost } from "../harness/program.ts";
import { tempStore } from "../harness/temp_store.ts";
import { until } from "../harness/until.ts";
import { shownRow } from "../hub/rows.ts";
import { numberOf, say } from "./command.ts";
import { type Bound, isKept, renderBounds } from "./soak_report.ts";

const ROWS = 1000;

/** How many, and for how long the hub is away. */
export interface HerdOptions {
  readonly hosts: number;
  readonly awaySeconds: number;
}

/** How they came back. */
export interface HerdReport {
  readonly bounds: readonly Bound[];
  /** What was counted, as lines of a table. */
  readonly done: readonly (readonly [what: string, count: number])[];
}

/** Lets the hub go and come back. */
export async function herd({ hosts: count, awaySeconds }: HerdOptions): Promise<HerdReport> {
  await using cluster = await startCluster({ durable: true });
  const database = await cluster.newDatabase();
  await using hubHost = await TestHost.make();
  const port = freePort();
  let hub = await startHub(hubHost, { database, port });
  const sql = await openDatabase(database, { connections: 4 });
  await using temp = await tempStore();
  const { workloadId } = temp.store.registry.create("project", { name: "shop" }).entry;
  temp.store.deployed.putDeployedContainer({ id: "one", workloadId });
  const way = new Way(`http://127.0.0.1:${port}`);
  const ending = new AbortController();
  const dialers: Dialer[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const { token } = await enroll(sql, `host-${i}`);
      const { secret } = (await admit(sql, token))!;
      dialers.push(
        new Dialer({
          ...{ replica: temp.store.replica, ask: way.asks(secret), version: "1", machine: "m" },
          ...{ log: new Log({ level: "error", write: () => {} }), isFresh: () => true },
        }),
      );
    }
    const running = dialers.map((dialer) => dialer.run(ending.signal));
    const known = async () => {
      const [{ hosts }] = await sql<[{ hosts: number }]>`
        SELECT count(*)::integer AS hosts FROM tinyforge.hosts
        WHERE seq IS NOT NULL AND lease_until >= now()`;
      return hosts;
    };
    const everyIs = (number: number) =>
      until(`${number} are known`, async () => await known() === number || await pause(100), {
        withinMs: 600_000,
      });
    await everyIs(count);

    await hub.running.stop("SIGKILL");
    const wentAt = performance.now();
    // All rows of each are needed, as after a fail-over to a standby that lost them.
    await sql`UPDATE tinyforge.hosts SET seq = NULL, lease_until = now()`;
    await pause(awaySeconds * 1000 - (performance.now() - wentAt));
    assert(dialers.every(({ state }) => !state.up), "a host is answered by nobody");
    way.forget();
    hub = await startHub(hubHost, { database, port });
    const backAt = performance.now();
    const memory = watchMemory(hub);
    await everyIs(count);
    const ms = performance.now() - backAt;
    const mb = await memory.most();
    const atOnce = await mostAtOnce(hub, hubHost);
    ending.abort();
    await Promise.all(running);
    const [{ rows }] = await sql<[{ rows: number }]>`
      SELECT count(*)::integer AS rows FROM tinyforge.containers`;
    const longest = Math.max(0, ...way.waits) * 1000;
    return {
      bounds: [
        { what: "until every host is back", value: ms, limit: 120_000, unit: "ms" },
        { what: "memory of the hub, most", value: mb, limit: 400, unit: "MB" },
        {
          what: "messages of many rows taken in at once, most",
          value: atOnce,
          limit: 20,
          unit: "",
        },
        { what: "longest wait asked of a host", value: longest, limit: 10_000, unit: "ms" },
        { what: "waits that are the same, most", value: alike(way.waits), limit: 35, unit: "%" },
        { what: "rows that are missing", value: count * ROWS - rows, limit: 0, unit: "" },
      ],
      done: [
        ["hosts", count],
        ["messages", way.messages],
        ["of them refused for now (503)", way.waits.length],
        ["of them not answered", way.unanswered],
      ],
    };
  } finally {
    ending.abort();
    await sql.end({ timeout: 1 });
    way.close();
  }
}

/** As the hub itself counts it, since it is back. */
async function mostAtOnce(hub: TestHub, hubHost: TestHost): Promise<number> {
  const text = await (await readHub(hub, hubHost, "/metrics")).text();
  const [, most] = /^tinyforge_hub_large_messages_most (\d+)$/m.exec(text) ?? [];
  assert(most !== undefined && most !== "0", "the hub says how much it took in at once");
  return Number(most);
}

/** The way of many hosts to one hub: whatever a host has to tell, it tells as a thousand rows. */
class Way {
  readonly #url: string;
  readonly #rows = Array.from(
    { length: ROWS },
    (_, i) =>
      shownRow(`row-${String(i).padStart(5, "0")}`, {
        containerName: `shop-web-${i}`,
        // As Docker makes them: nothing that packing makes shorter.
        containerId: crypto.getRandomValues(new Uint8Array(32)).toHex(),
      }),
  );
  readonly #digest = digestOf(this.#rows.map((row) => hubRow(row).hash));
  readonly #packed = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  readonly #client: Deno.HttpClient;
  /** Seconds that hosts were asked to wait. */
  waits: number[] = [];
  messages = 0;
  unanswered = 0;

  constructor(url: string) {
    this.#url = url;
    // Each host has its own connection.
    this.#client = Deno.createHttpClient({ poolMaxIdlePerHost: 2000 });
  }

  /** Counts from now on. */
  forget(): void {
    this.waits = [];
    this.messages = this.unanswered = 0;
  }

  /** As one host asks. */
  asks(secret: string): AskHub {
    return async (path, message, signal): Promise<HubAnswer> => {
      this.messages++;
      try {
        const response = await fetch(this.#url + path, {
          method: "POST",
          body: await this.#body(message as Record<string, unknown>),
          signal,
          client: this.#client,
          headers: { authorization: `Bearer ${secret}`, "content-encoding": "gzip" },
        });
        const body = await response.json();
        const told = response.headers.get("retry-after");
        const retryAfter = told === null ? null : Number(told);
        if (response.status === 503 && retryAfter !== null) this.waits.push(retryAfter);
        return { status: response.status, body, retryAfter };
      } catch (error) {
        this.unanswered++;
        throw error;
      }
    };
  }

  close(): void {
    this.#client.close();
  }

  #body(message: Record<string, unknown>): Promise<Uint8Array<ArrayBuffer>> {
    const { rows, digest } = message;
    const all = message.from === null && Array.isArray(rows) && rows.length > 0;
    const told = {
      ...message,
      ...(all && { rows: [] }),
      ...(typeof digest === "string" && { digest: this.#digest }),
    };
    const key = JSON.stringify(told);
    if (!all) return gzip(key);
    const known = this.#packed.get(key) ?? gzip(JSON.stringify({ ...told, rows: this.#rows }));
    this.#packed.set(key, known);
    return known;
  }
}

/** How many of the numbers are the one that is there most, of 100. */
function alike(numbers: readonly number[]): number {
  if (numbers.length === 0) return 0;
  const counts = Object.values(Object.groupBy(numbers, String)).map((each) => each!.length);
  return Math.max(...counts) / numbers.length * 100;
}

function watchMemory({ running }: TestHub): { most(): Promise<number> } {
  const read = async () => {
    const { stdout } = await new Deno.Command("ps", {
      args: ["-o", "rss=", "-p", String(running.process.pid)],
    }).output();
    return Number(new TextDecoder().decode(stdout)) / 1024;
  };
  let most = 0;
  const look = async () => void (most = Math.max(most, await read()));
  const timer = setInterval(look, 500);
  return {
    most: async () => {
      clearInterval(timer);
      await look();
      return most;
    },
  };
}

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return await new Response(stream).bytes();
}

function pause(ms: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), Math.max(0, ms)));
}

async function main(args: readonly string[]): Promise<number> {
  const hosts = numberOf("hosts", args, { otherwise: 1000 });
  const awaySeconds = numberOf("away", args, { otherwise: 60 });
  const { bounds, done } = await herd({ hosts, awaySeconds });
  say(renderBounds(bounds));
  for (const [what, count] of done) say(`${String(count).padStart(8)}  ${what}`);
  return bounds.every(isKept) ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
