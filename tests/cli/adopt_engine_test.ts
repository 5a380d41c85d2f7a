/**
 * Taking in what runs on a real Engine that real Compose works on: nothing is touched, and what
 * Compose does afterwards goes on in the same rows.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { ComposeProject, composeTest, serviceText } from "../engines/compose.ts";
import { podmanTest } from "../engines/podman.ts";
import type { PrivateEngine } from "../engines/private.ts";
import { TEST_IMAGE } from "../engines/real.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";

const README = await Deno.readTextFile(new URL("../../README.md", import.meta.url));

/** The arguments of the three commands that the README takes in with. */
const README_LINES = /<!-- run by tests\/cli\/adopt_engine_test.ts -->\n+```sh\n([^`]*)```/.exec(
  README,
)![1]!
  .trim().split("\n").map((line) => line.split(" ").slice(1));

/** Every container with what would change if it were recreated or restarted. */
async function fingerprints(docker: (...args: string[]) => Promise<string>): Promise<string[]> {
  const ids = (await docker("ps", "--all", "--quiet", "--no-trunc")).split("\n");
  const format = "{{.Id}} {{.Name}} {{.Created}} {{.State.StartedAt}} {{.State.Status}}";
  return (await docker("inspect", "--format", format, ...ids)).split("\n").sort();
}

interface Row {
  readonly id: string;
  readonly role: string | null;
  readonly replica: number;
  readonly state: string;
  readonly containerId: string | null;
  readonly workloadName: string;
}

/** A daemon that follows the Engine, and the stack `shop` in a directory of its host. */
async function shop(engine: PrivateEngine, services: Record<string, string>) {
  const host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = engine.address;
  host.env["TINYFORGE_INTERVAL"] = "5m";
  const project = new ComposeProject(engine, { name: "shop", directory: join(host.dir, "shop") });
  await project.write(services);
  const daemon = new LivingDaemon(host);
  await daemon.ready();
  const rows = async (): Promise<Row[]> => (await daemon.get("/api/containers")).items;
  const short = async () =>
    (await rows()).map(({ role, replica, state }) => `${role}/${replica} ${state}`).sort();
  return {
    host,
    project,
    rows,
    /** A full pass. */
    pass: async () => assertEquals((await daemon.ask("POST", "/api/reconcile")).status, 200),
    /** Waits until the rows are these, as `role/replica state`. */
    async shows(...wanted: string[]): Promise<void> {
      let last: string[] = [];
      try {
        await until(
          "it shows",
          async () => (last = await short()).join() === wanted.toSorted().join(),
          { withinMs: 15_000 },
        );
      } catch (cause) {
        throw new Error(`rows: ${last}; wanted: ${wanted}`, { cause });
      }
    },
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await host[Symbol.asyncDispose]();
    },
  };
}

composeTest(
  "adopt --all takes in four stacks and two containers, and recreates none",
  async (engine) => {
    await using host = await TestHost.make();
    host.env["TINYFORGE_DOCKER_HOST"] = engine.address;
    const started = async (name: string, services: Record<string, string>, ...args: string[]) => {
      const project = new ComposeProject(engine, { name, directory: join(host.dir, name) });
      await project.write(services);
      await project.compose("up", "--detach", ...args);
      return project;
    };
    await started("blog", { web: serviceText(), db: serviceText() });
    await started("shop", { web: serviceText(), worker: serviceText() }, "--scale", "worker=3");
    await started("jobs", { migrate: serviceText('"true"'), api: serviceText() });
    const wiki = new ComposeProject(engine, { name: "wiki", directory: join(host.dir, "wiki") });
    wiki.files = ["base.yml", "more.yml"];
    await wiki.write({ app: serviceText() }, "base.yml");
    await wiki.write({ app: "{ scale: 2 }", search: serviceText() }, "more.yml");
    await wiki.compose("up", "--detach");
    // A one-off carries its service's labels, and is not the service.
    await wiki.compose("run", "--detach", "app", "sleep", "3600");
    for (const name of ["proxy", "registry"]) {
      await engine.docker("run", "--detach", "--name", name, "--network", "none", TEST_IMAGE);
    }
    await until("the job is done", async () => {
      const filter = "label=com.docker.compose.service=migrate";
      const format = "{{.Status}}";
      const status = await engine.docker("ps", "-a", "--filter", filter, "--format", format);
      return status.startsWith("Exited (0)");
    });
    const before = await fingerprints((...args) => engine.docker(...args));

    const { candidates, leftOut } = await host.json("discover");
    assertEquals(candidates.map(({ name }: { name: string }) => name), [
      "blog",
      "jobs",
      "proxy",
      "registry",
      "shop",
      "wiki",
    ]);
    assertEquals(leftOut.map(({ reason }: { reason: string }) => reason), ["one-off"]);
    const [look, takeIn, show] = README_LINES;
    assertEquals((await host.run(...look!)).code, 0);
    const { code, stdout, stderr } = await host.run(...takeIn!);
    assertEquals(code, 0, stderr);
    assertEquals(stdout.trimEnd().split("\n"), [
      'adopted stack "blog": 2 containers expected',
      'adopted stack "jobs": 2 containers expected',
      'adopted site "proxy": 1 container expected',
      'adopted site "registry": 1 container expected',
      'adopted stack "shop": 4 containers expected',
      'adopted stack "wiki": 3 containers expected',
    ]);
    await host.run("reconcile", "--once");
    const rows: Row[] = (await host.json(...show!)).items;
    assertEquals(
      rows.map(({ workloadName, role, replica, state }) =>
        `${workloadName} ${role}/${replica} ${state}`
      ).sort(),
      [
        "blog db/1 running",
        "blog web/1 running",
        "jobs api/1 running",
        "jobs migrate/1 completed",
        "proxy null/1 running",
        "registry null/1 running",
        "shop web/1 running",
        "shop worker/1 running",
        "shop worker/2 running",
        "shop worker/3 running",
        "wiki app/1 running",
        "wiki app/2 running",
        "wiki search/1 running",
      ],
    );
    assertEquals(new Set(rows.map(({ containerId }) => containerId)).size, rows.length);
    assertEquals((await host.json("discover")).candidates, []);
    assertEquals(await fingerprints((...args) => engine.docker(...args)), before);
  },
);

podmanTest("adopt --all takes in Podman's containers, and recreates none", async (podman) => {
  await using host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = podman.address;
  const labels = { "PODMAN_SYSTEMD_UNIT": "gitea.service" };
  const ids = [await podman.run("systemd-gitea", { labels }), await podman.run("plain")];
  const before = await fingerprints((...args) => podman.podman(...args));
  const { code, stdout, stderr } = await host.run("adopt", "--all");
  assertEquals(code, 0, stderr);
  assertEquals(stdout.trimEnd().split("\n"), [
    'adopted site "gitea": 1 container expected',
    'adopted site "plain": 1 container expected',
  ]);
  await host.run("reconcile", "--once");
  const rows: Row[] = (await host.json("ps")).items;
  assertEquals(rows.map(({ state }) => state), ["running", "running"]);
  assertEquals(rows.map(({ containerId }) => containerId!).sort(), ids.toSorted());
  assertEquals(await fingerprints((...args) => podman.podman(...args)), before);

  // Its unit recreates it under the same name, and that is the same row.
  await podman.podman("rm", "--force", "systemd-gitea");
  const next = await podman.run("systemd-gitea", { labels });
  await host.run("reconcile", "--once");
  const again: Row[] = (await host.json("ps")).items;
  assertEquals(again.map(({ id }) => id), rows.map(({ id }) => id));
  assertEquals(
    again.map(({ containerId }) => containerId!).sort(),
    [next, ids[1]!].toSorted(),
  );
});

composeTest(
  "accept answers a scale-down, and adopt again a service that is in its file no more",
  async (engine) => {
    await using made = await shop(engine, { web: serviceText(), worker: serviceText() });
    const { host, project, shows } = made;
    await project.compose("up", "--detach", "--scale", "web=3");
    assertEquals((await host.run("adopt", "shop")).code, 0);
    await shows("web/1 running", "web/2 running", "web/3 running", "worker/1 running");

    await project.compose("up", "--detach", "--scale", "web=1");
    await shows("web/1 running", "web/2 missing", "web/3 missing", "worker/1 running");
    const accepted = await host.run("accept", "shop");
    assertEquals(
      accepted.stderr,
      'Accepted stack "shop": 2 containers expected; 2 rows retired.\n',
    );
    await shows("web/1 running", "worker/1 running");
    // The next one is a scale-up, not one that comes back.
    await project.compose("up", "--detach", "--scale", "web=2");
    await shows("web/1 running", "web/2 running", "worker/1 running");
    await project.compose("up", "--detach", "--scale", "web=1");
    await shows("web/1 running", "worker/1 running");

    await project.write({ web: serviceText() });
    await project.compose("up", "--detach", "--remove-orphans");
    await shows("web/1 running", "worker/1 missing");
    const again = await host.run("adopt", "shop");
    assertEquals([again.code, again.stdout], [
      0,
      'adopted again stack "shop": 1 container expected\n',
    ], again.stderr);
    await shows("web/1 running");
    assertEquals(
      (await host.json("expect", "shop")).items.map(({ role }: { role: string }) => role),
      ["web"],
    );
  },
);

/** Ends with 0 when it is stopped, as what shuts down in order does. */
function orderlyText(restart: string): string {
  return `{ image: '${TEST_IMAGE}', network_mode: none, restart: '${restart}', ` +
    `command: [sh, -c, "trap 'exit 0' TERM; sleep 3600 & wait"] }`;
}

composeTest(
  "what was stopped before it was taken in is a service where it is always restarted, else a job",
  async (engine) => {
    await using host = await TestHost.make();
    host.env["TINYFORGE_DOCKER_HOST"] = engine.address;
    const project = new ComposeProject(engine, { name: "shop", directory: join(host.dir, "shop") });
    await project.write({
      web: orderlyText("always"),
      worker: orderlyText("unless-stopped"),
      batch: orderlyText("no"),
      later: orderlyText("always"),
    });
    await project.compose("up", "--detach");
    await project.compose("stop", "--timeout", "10", "web", "worker", "batch");
    const codes = await engine.docker("ps", "--all", "--format", "{{.Names}} {{.Status}}");
    for (const service of ["web", "worker", "batch"]) {
      assertMatch(codes, new RegExp(`^shop_${service}_1 Exited \\(0\\)`, "m"));
    }
    const modes = async () => {
      const { items } = await host.json("expect", "shop");
      return items.map(({ role, mode }: { role: string; mode: string }) => `${role} ${mode}`);
    };
    const states = async () => {
      await host.run("reconcile", "--once");
      const { items } = await host.json("ps");
      return items.map(({ role, state }: Row) => `${role} ${state}`).sort();
    };
    const adopted = await host.run("adopt", "shop");
    assertEquals(adopted.code, 0, adopted.stderr);
    assertEquals(await modes(), [
      "batch completed",
      "later running",
      "web running",
      "worker running",
    ]);
    assertEquals(await states(), [
      "batch completed",
      "later running",
      "web stopped",
      "worker stopped",
    ]);

    // Nobody watched how this one ended, and still it is no job.
    await project.compose("stop", "--timeout", "10", "later");
    assertEquals((await states())[1], "later stopped");
    assertEquals((await host.run("accept", "shop")).code, 0);
    assertEquals((await modes())[1], "later running");
  },
);

composeTest(
  "a service that is scaled up and thinned out ten times has one row, and one story",
  async (engine) => {
    await using made = await shop(engine, { web: serviceText() });
    const { host, project, rows, shows } = made;
    await project.compose("up", "--detach");
    assertEquals((await host.run("adopt", "shop")).code, 0);
    await shows("web/1 running");
    const [first] = await rows();
    const served = [first!.containerId!];
    for (let i = 0; i < 10; i++) {
      await project.compose("up", "--detach", "--no-recreate", "--scale", "web=2");
      await engine.docker("rm", "--force", served.at(-1)!);
      await until("the next one serves", async () => {
        const all = await rows();
        return all.length === 1 && all[0]!.state === "running" &&
          all[0]!.containerId !== served.at(-1);
      });
      const [row] = await rows();
      assertEquals(row!.id, first!.id);
      served.push(row!.containerId!);
    }
    assertEquals(new Set(served).size, 11);
    const { transitions } = await host.json("explain", first!.id);
    const told = new Set(transitions.map((t: { containerId: string }) => t.containerId));
    assertEquals(served.filter((id) => !told.has(id)), []);
    assertEquals((await host.json("problems")).problems, []);
  },
);

composeTest(
  "one-offs leave an adopted stack alone, and what goes down comes up in the same rows",
  async (engine) => {
    await using made = await shop(engine, { web: serviceText(), db: serviceText() });
    const { host, project, rows, shows, pass } = made;
    await project.compose("up", "--detach", "--scale", "web=2");
    assertEquals((await host.run("adopt", "shop")).code, 0);
    await shows("db/1 running", "web/1 running", "web/2 running");
    const before = await rows();

    await project.compose("run", "--rm", "web", "true");
    await project.compose("run", "--detach", "web", "sleep", "3600");
    await pass();
    assertEquals(
      (await rows()).map(({ id, containerId }) => [id, containerId]),
      before.map(({ id, containerId }) => [id, containerId]),
    );

    await project.compose("down", "--timeout", "0", "--remove-orphans");
    await shows("db/1 missing", "web/1 missing", "web/2 missing");
    await project.compose("up", "--detach", "--scale", "web=2");
    await shows("db/1 running", "web/1 running", "web/2 running");
    const after = await rows();
    assertEquals(after.map(({ id }) => id), before.map(({ id }) => id));
    assert(after.every(({ containerId }, i) => containerId !== before[i]!.containerId));
  },
);
