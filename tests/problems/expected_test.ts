/**
 * What is wrong by what is expected: the daemon as a process whose clock runs fast, the commands
 * beside it, and an Engine that does what it is told.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { FakeEngine } from "../engines/scripted.ts";
import type { FakeContainer } from "../engines/scripted_container.ts";
import { harnessCommand, LivingDaemon } from "../harness/living_daemon.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";

/** A minute in a second. */
const FAST = 60;

/** A host whose daemon's clock runs fast. */
class FastHost implements AsyncDisposable {
  private constructor(
    readonly host: TestHost,
    readonly engine: FakeEngine,
    readonly daemon: LivingDaemon,
  ) {}

  /** Its clock runs `factor` times as fast as the system's. */
  static async start(factor: number): Promise<FastHost> {
    const engine = await FakeEngine.start();
    const host = await TestHost.make();
    host.env["TINYFORGE_DOCKER_HOST"] = `unix://${engine.path}`;
    const command = harnessCommand(host, "fast_daemon.ts", String(factor));
    const daemon = new LivingDaemon(host, command);
    await daemon.ready();
    return new FastHost(host, engine, daemon);
  }

  service(name: string, number: number, fields: Partial<FakeContainer> = {}): FakeContainer {
    return this.engine.add({
      name: `shop_${name}_${number}`,
      labels: {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": name,
        "com.docker.compose.container-number": String(number),
      },
      ...fields,
    });
  }

  /** Has one end by itself. */
  ends(container: FakeContainer, exitCode: number): void {
    container.state = "exited";
    container.exitCode = exitCode;
    this.engine.emit("die", container, { exitCode: String(exitCode) });
  }

  /** Open problems, as `kind role/replica`. */
  async open(): Promise<string[]> {
    const { problems } = await this.host.json("problems");
    const { items } = await this.daemon.get("/api/containers");
    return problems.map(({ kind, row }: { kind: string; row: string | null }) => {
      const its = items.find(({ id }: { id: string }) => id === row);
      return its === undefined ? kind : `${kind} ${its.role}/${its.replica}`;
    }).sort();
  }

  /** Waits until exactly these are open. */
  async opens(...problems: string[]): Promise<void> {
    let last: string[] = [];
    try {
      await until(
        `what is wrong is ${problems}`,
        async () => (last = await this.open()).join() === problems.join(),
        { withinMs: 20_000 },
      );
    } catch (cause) {
      throw new Error(`open: ${last}`, { cause });
    }
  }

  async rows(): Promise<string[]> {
    const { items } = await this.daemon.get("/api/containers");
    return items.map((row: { role: string; replica: number; state: string }) =>
      `${row.role}/${row.replica} ${row.state}`
    ).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
    await this.host[Symbol.asyncDispose]();
    await this.engine[Symbol.asyncDispose]();
  }
}

Deno.test("the daemon judges missing, absent and how many there are by what is expected", async () => {
  await using made = await FastHost.start(FAST);
  const { host, engine } = made;
  const web = [1, 2, 3].map((number) => made.service("web", number));
  made.service("migrate", 1, { state: "exited", exitCode: 0 });
  assertEquals((await host.run("adopt", "shop")).code, 0);

  // What ended with 0 as it should is never a problem; what is gone is one, and the command that is
  // printed with it ends it.
  engine.remove(web[2]!);
  await made.opens("missing web/3");
  const { stdout } = await host.run("problems");
  const [, command = ""] = /do: start it again, or `([^`]+)` if it is meant to be gone$/m.exec(
    stdout,
  ) ?? [];
  assertEquals(command, "tinyforge accept stack/shop");
  assertEquals((await host.shell(["-c", command])).code, 0);
  await made.opens();
  assertEquals(await made.rows(), ["migrate/1 completed", "web/1 running", "web/2 running"]);

  // What should be and was never seen.
  assertEquals((await host.run("expect", "shop", "web", "--replicas", "3")).code, 0);
  await made.opens("absent web/3");
  const back = made.service("web", 3);
  await made.opens();

  // One container more than is expected is no problem when it ends; one that is wanted is.
  assertEquals((await host.run("expect", "shop", "web", "--replicas", "2")).code, 0);
  made.ends(back, 1);
  made.ends(web[1]!, 1);
  await made.opens("crashed web/2");
  assertEquals((await host.run("expect", "shop", "web", "--replicas", "1")).code, 0);
  await made.opens();

  // It is wanted again, and nothing else happened to it.
  assertEquals((await host.run("expect", "shop", "web", "--replicas", "2")).code, 0);
  await made.opens("crashed web/2");
  assertEquals((await host.run("expect", "shop", "web", "--mode", "any")).code, 0);
  await made.opens();
});

Deno.test("the daemon wants a stopped row once the one before it is removed", async () => {
  await using made = await FastHost.start(FAST);
  const { host, engine, daemon } = made;
  const web = [1, 2].map((number) => made.service("web", number));
  assertEquals((await host.run("adopt", "shop")).code, 0);
  assertEquals((await host.run("expect", "shop", "web", "--replicas", "1")).code, 0);
  made.ends(web[1]!, 1);
  await until("it stopped", async () => (await made.rows()).includes("web/2 stopped"));
  const { items } = await daemon.get("/api/containers");
  const first = items.find(({ replica }: { replica: number }) => replica === 1);
  engine.containers.delete(web[0]!.id);
  assertEquals((await host.run("container", "rm", first.id)).code, 0);
  await made.opens("crashed web/2");
});

Deno.test("accept takes a job that ended for a job, and a service that was stopped for a service", async () => {
  await using made = await FastHost.start(1);
  const { host, engine } = made;
  const [job, failed, service] = ["job", "failed", "service"].map((name) => made.service(name, 1));
  assertEquals((await host.run("adopt", "shop")).code, 0);
  made.ends(failed!, 1);
  made.ends(job!, 0);
  // With `stop` behind it.
  engine.setState(service!, "exited", 0);
  await until("all are seen", async () => {
    return (await made.rows()).every((row) => row.endsWith("stopped"));
  });
  await until("the deaths are counted", async () => {
    return (await host.read((store) => [...store.problems.deaths().values()])).length === 3;
  });
  assertEquals((await host.run("accept", "shop")).code, 0);
  const { items } = await host.json("expect", "shop");
  assertEquals(
    items.map(({ role, mode }: { role: string; mode: string }) => `${role} ${mode}`),
    ["failed running", "job completed", "service running"],
  );
  await until("it shows", async () => (await made.rows()).includes("job/1 completed"));
});
