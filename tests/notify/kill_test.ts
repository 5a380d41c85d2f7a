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

/** Resolves when it has begun. */
async function begun(child: Deno.ChildProcess): Promise<void> {
  const reader = child.stdout.getReader();
  await reader.read();
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
    await begun(child);
    await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 180));
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
    const problems = store.problems.list().map(({ key }) => key);
    assert(problems.length > KILLS, `only ${problems.length} problems`);
    assertEquals(store.notices.queue().length, 0);
    const deliveries = store.notices.list({ limit: 100_000 });
    const ids = new Set(deliveries.map(({ noticeId }) => noticeId));
    assertEquals(new Set(bodies.keys()).difference(ids), new Set(), "a notice was invented");
    assertEquals(ids.difference(new Set(bodies.keys())), new Set(), "a notice was lost");
    const told: string[] = [];
    for (const [id, doubles] of bodies) {
      assertEquals(new Set(doubles).size, 1, `what was sent as ${id} differs`);
      for (const { key } of JSON.parse(doubles[0]!).data.problems) told.push(key);
    }
    assertEquals(told.toSorted(), problems.toSorted(), "each problem is told in one notice");
  } finally {
    store.close();
  }
});
