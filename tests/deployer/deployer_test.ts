/**
 * A deployer's day on a real Engine, watched by a client that reads what Traefik reads.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import type { ContainerView } from "../../src/model/views.ts";
import { busyboxArchive } from "../engines/busybox.ts";
import { engineTest } from "../engines/docker.ts";
import type { EngineScope } from "../engines/real.ts";
import { brokenRules, serversFor } from "../exports/traefik_rules.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { TestHost } from "../harness/program.ts";

const README = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
const FOLDER = fromFileUrl(new URL(".", import.meta.url));

/** Images whose containers say which they are; one gets never healthy, one has nothing to say. */
const IMAGES: Readonly<Record<string, { readonly page: boolean; readonly healthy: boolean }>> = {
  "good-1": { page: true, healthy: true },
  "good-2": { page: true, healthy: true },
  "good-3": { page: true, healthy: true },
  "sick": { page: true, healthy: false },
  "mute": { page: false, healthy: true },
};

/** A daemon on the Engine, a shell that knows `tinyforge`, and the images of this scope. */
async function deployers(scope: EngineScope) {
  const repository = `tinyforge-test/${scope.name}`;
  const host = await TestHost.make();
  host.env["TINYFORGE_DOCKER_HOST"] = scope.engine.address;
  const archive = await busyboxArchive(host.dir);
  for (const [tag, { page, healthy }] of Object.entries(IMAGES)) {
    const script = "busybox mkdir /www; cd /www; " + (page ? `echo ${tag} > index.html; ` : "") +
      (healthy ? "echo ok > healthy; " : "") + "exec busybox httpd -f -p 80";
    const probe = ["busybox", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/healthy"];
    await scope.docker(
      "import",
      ...["--change", `CMD ${JSON.stringify(["sh", "-c", script])}`],
      ...["--change", `HEALTHCHECK --interval=1s --retries=2 CMD ${JSON.stringify(probe)}`],
      ...["--change", "EXPOSE 80", archive, `${repository}:${tag}`],
    );
  }
  const daemon = new LivingDaemon(host);
  await daemon.ready();
  return {
    repository,
    host,
    daemon,
    /** Runs a script of a person. */
    run: (args: readonly string[], env: Record<string, string> = {}) =>
      host.shell(args, {
        DOCKER_HOST: scope.engine.address,
        ...{ SOCKET: join(host.dataDir, "tinyforge.sock"), PROJECT: scope.name },
        // The client below asks again and again; a person's proxy asks every few seconds.
        ...{ DRAIN: "1", WAIT: "20s", STABLE: "1s", ...env },
      }),
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await host[Symbol.asyncDispose]();
      const labelled = await scope.docker(
        "ps",
        "--all",
        "--quiet",
        "--filter",
        `name=^/?${scope.name}`,
      );
      if (labelled !== "") await scope.docker("rm", "--force", ...labelled.split("\n"));
      const tags = Object.keys(IMAGES).map((tag) => `${repository}:${tag}`);
      await scope.docker("rmi", "--force", ...tags);
    },
  };
}

/** What a proxy's client saw from the first time on that a host name was served. */
interface Watched {
  /** How often the export was read. */
  readonly polls: number;
  /** Pages that came, each once, in order of their first coming; requests that failed as `none`. */
  readonly pages: string[];
  /** What was not as it should be, if anything. */
  readonly wrong: string[];
}

/**
 * Reads the export and follows it as a proxy does until it is stopped: each configuration is held
 * against Traefik's rules, and a request is sent where it leads. Looks besides who has the name.
 */
function watch(daemon: LivingDaemon, name: string, signal: AbortSignal): Promise<Watched> {
  let polls = 0;
  const pages = new Set<string>();
  const wrong = new Set<string>();
  let servers: string[] | null = null;
  const poll = async () => {
    const { status, body } = await daemon.ask("GET", "/api/export/traefik");
    const { items } = await daemon.get("/api/routes");
    const holders = (items as ContainerView[]).filter(({ subdomain }) => subdomain === name);
    if (status !== 200) {
      wrong.add(`status ${status}`);
      return;
    }
    for (const rule of brokenRules(body)) wrong.add(rule);
    const found = serversFor(body, name);
    if (found === null && servers === null) return;
    polls++;
    servers = found;
    if (holders.length !== 1) wrong.add(`${holders.length} rows hold ${name}`);
    if (found?.length !== 1) wrong.add(`${found?.length ?? 0} servers`);
    for (const server of found ?? []) {
      const page = await fetch(server, { headers: { host: name } })
        .then(async (response) => `${response.status} ${(await response.text()).trim()}`)
        .catch(() => "none");
      pages.add(/^200/.test(page) ? page : page.slice(0, 4).trim());
    }
  };
  return (async () => {
    while (!signal.aborted) {
      await poll();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { polls, pages: [...pages], wrong: [...wrong] };
  })();
}

engineTest(
  "a deployer's day: whatever is released, fails, is renamed or previewed, the name is served by one row",
  async (scope) => {
    await using there = await deployers(scope);
    const { daemon, repository } = there;
    const stop = new AbortController();
    const name = "shop.example.org";
    const watching = watch(daemon, name, stop.signal);
    const day = await there.run([join(FOLDER, "day.sh"), repository, name]);
    stop.abort();
    const { polls, pages, wrong } = await watching;
    assertEquals(day.code, 0, `${day.stdout}\n${day.stderr}`);
    assertEquals(wrong, []);
    assert(polls > 100, `${polls} polls`);
    // The one that passed its check and then did not answer was there until it was tried; the sick
    // one never was.
    assertEquals(pages.filter((page) => page !== "404"), [
      "200 good-1",
      "200 good-2",
      "200 good-3",
    ]);
    assertMatch(day.stdout, /^https:\/\/preview\.shop\.example\.org$/m);
    assertMatch(day.stderr, /:sick does not get well/);
    assertMatch(day.stderr, /:mute does not answer/);
    const rows = (await daemon.get("/api/containers")).items as ContainerView[];
    assertEquals(
      rows.map(({ subdomain, stageName, imageTag, state }) => [
        ...[subdomain, stageName, imageTag, state],
      ]),
      [[name, "production", "good-3", "running"]],
    );
    assertEquals((await daemon.get("/api/previews")).items, []);
    const left = await scope.docker("ps", "--quiet", "--filter", `name=^/?${scope.name}-`);
    assertEquals(left.split("\n").length, 1);
  },
);

engineTest("the README's release leads the name from one row to the other", async (scope) => {
  await using there = await deployers(scope);
  const { daemon, host, repository } = there;
  const name = "shop.example.org";
  const [, block] = /<!-- run by tests\/deployer\/deployer_test.ts -->\n+```sh\n([^`]*)```/.exec(
    README,
  )!;
  const lines = block!.trimEnd().split("\n");
  assert(lines.length <= 10, `${lines.length} lines`);
  const script = block!
    .replaceAll("/var/lib/tinyforge", host.dataDir)
    .replaceAll("shop-", `${scope.name}-`)
    .replaceAll("shop:2", `${repository}:good-2`)
    .replaceAll("--wait 2m", "--wait 20s --stable 1s")
    .replaceAll("sleep 10", "sleep 1");

  const { body: { id, workloadId } } = await daemon.ask("POST", "/api/projects", { name: "shop" });
  const stage = { name: "production", maxInstances: 2 };
  const { body: { id: stageId } } = await daemon.ask("POST", `/api/projects/${id}/stages`, stage);
  const blue = `${scope.name}-blue`;
  const row = { workloadId, stageId, subdomain: name };
  await daemon.ask("PUT", `/api/containers/${blue}`, row);
  await scope.run("blue", {
    network: "bridge",
    image: `${repository}:good-1`,
    labels: { "tinyforge.workload.id": workloadId, "tinyforge.row.id": blue },
    args: ["--publish", "127.0.0.1::80"],
  });

  const stop = new AbortController();
  const watching = watch(daemon, name, stop.signal);
  const release = await there.run(["-eu", "-c", script]);
  stop.abort();
  const { pages, wrong } = await watching;
  assertEquals(release.code, 0, `${release.stdout}\n${release.stderr}`);
  assertEquals([pages.at(-1), wrong], ["200 good-2", []]);
  const rows = (await daemon.get("/api/containers")).items as ContainerView[];
  assertEquals(rows.map(({ id, subdomain }) => [id, subdomain]), [[`${scope.name}-green`, name]]);
});
