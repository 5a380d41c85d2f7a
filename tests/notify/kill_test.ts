import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { SecretFile } from "../../src/notify/secret_file.ts";
import { openStore } from "../../src/store/store.ts";
import { tempStore } from "../harness/temp_store.ts";
import { Receiver } from "../receivers/receiver.ts";

const KILLED = fromFileUrl(new URL("./killed.ts", import.meta.url));

/** How often it is killed; `NOTIFY_KILLS` says otherwise. */
const KILLS = Number(Deno.env.get("NOTIFY_KILLS") ?? 20);

function start(...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--allow-read", "--allow-write", "--allow-net"]
      .concat("--allow-ffi", "--allow-env", KILLED, ...args),
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** Resolves when it has begun, and has found so many problems. */
async function begun(child: Deno.ChildProcess, { problems = 0 } = {}): Promise<void> {
  const reader = child.stdout.getReader();
  for (let lines = 0; lines <= problems;) {
    const { value, done } = await reader.read();
    if (done) throw new Error("It ended");
    lines += value.filter((byte) => byte === 10).length;
  }
  reader.releaseLock();
}

Deno.test("killed at any moment, it tells each notice at least once and invents none", async () => {
  const bodies = new Map<string, string[]>();
  await using receiver = new Receiver(async ({ headers, body }) => {
    const id = headers.get("webhook-id")!;
    bodies.set(id, [...bodies.get(id) ?? [], body]);
    // Between what was taken and the answer there is time to be killed in.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
    return new Response(null, { status: 204 });
  });
  await using temp = await tempStore();
  const secrets = join(temp.dir, "secrets.json");
  await new SecretFile(secrets).set("ops", { url: `${receiver.origin}/hook` });
  temp.store.channels.add({
    id: "ops",
    name: "ops",
    type: "webhook",
    config: { origin: receiver.origin, allowLoopback: true },
    fallbackId: null,
  }, { workloads: null, kinds: null, minSeverity: "high", remindAfterMs: null });
  for (let kill = 0; kill < KILLS; kill++) {
    const child = start(temp.path, secrets, String(kill));
    // By what it has done: on a busy machine it does less in the same time.
    await begun(child, { problems: Math.floor(Math.random() * 24) });
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
    child.kill("SIGKILL");
    await child.stdout.cancel();
    await child.status;
  }
  const last = start(temp.path, secrets, "drain");
  await begun(last);
  await last.stdout.cancel();
  assertEquals((await last.status).code, 0);

  const store = await openStore(temp.path);
  try {
    const problems = store.problems.remembered(0);
    const over = problems.filter(({ status }) => status === "closed");
    assert(
      problems.length > KILLS && over.length > KILLS / 4,
      `${over.length} of ${problems.length}`,
    );
    assertEquals(store.notices.queue().length, 0);
    const deliveries = store.notices.list({ limit: 100_000 });
    const known = new Set(deliveries.map(({ noticeId }) => noticeId));
    const arrived = new Set(
      deliveries.filter(({ state }) => state === "delivered").map(({ noticeId }) => noticeId),
    );
    assertEquals(
      new Set(deliveries.map(({ state }) => state)).difference(
        new Set(["delivered", "superseded"]),
      ),
      new Set(),
    );
    assertEquals(new Set(bodies.keys()).difference(known), new Set(), "a notice was invented");
    assertEquals(arrived.difference(new Set(bodies.keys())), new Set(), "a notice was lost");
    /** What was told of each problem, once for each notice: that it began, that it is over. */
    const told = new Map<string, { began: number; ended: number }>();
    /** Ends in lists that are longer than a message shows. */
    let unnamed = 0;
    for (const [id, doubles] of bodies) {
      assertEquals(new Set(doubles).size, 1, `what was sent as ${id} differs`);
      const { type, data } = JSON.parse(doubles[0]!);
      if (type === "problem.combined") unnamed += data.total - data.problems.length;
      for (const { key, closedAt } of data.problems) {
        const { began, ended } = told.get(key) ?? { began: 0, ended: 0 };
        const isOver = closedAt !== null;
        told.set(key, { began: began + (isOver ? 0 : 1), ended: ended + (isOver ? 1 : 0) });
      }
    }
    assertEquals(new Set(told.keys()), new Set(problems.map(({ key }) => key)));
    for (const { key, status } of problems) {
      const { began, ended } = told.get(key)!;
      if (status === "open") assertEquals([began >= 1, ended], [true, 0], `${key} is not over`);
    }
    const untold = over.filter(({ key }) => told.get(key)!.ended === 0);
    assert(untold.length <= unnamed, `nobody was told that ${untold[0]?.key} is over`);
    if (KILLS <= 20) assertEquals(unnamed, 0);
  } finally {
    store.close();
  }
});
