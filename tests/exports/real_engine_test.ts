/**
 * How soon a real Engine's containers leave the exports, and where they lead.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { DockerClient } from "../../src/docker/client.ts";
import { engineTest } from "../engines/docker.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";
import { brokenRules, serversFor } from "./traefik_rules.ts";

const ROUNDS = 5;
const WITHIN_MS = 100;

engineTest(
  "rows that stop leave what Traefik and Prometheus read within 100 ms",
  async (scope) => {
    await using host = await TestHost.make();
    host.env["TINYFORGE_DOCKER_HOST"] = scope.engine.address;
    await using daemon = new LivingDaemon(host);
    await daemon.ready();
    const { body: { workloadId } } = await daemon.ask("POST", "/api/projects", { name: "app" });
    const name = (round: number) => `r${round}.example.org`;
    const ids: string[] = [];
    using docker = new DockerClient({ host: scope.host });
    for (let round = 0; round < ROUNDS; round++) {
      const id = `row-${round}`;
      await daemon.ask("PUT", `/api/containers/${id}`, { workloadId, subdomain: name(round) });
      ids[round] = await scope.run(id, {
        network: "bridge",
        labels: { "tinyforge.workload.id": workloadId, "tinyforge.row.id": id },
        args: ["--publish", "127.0.0.1::80"],
        command: ["busybox", "httpd", "-f", "-p", "80"],
      });
    }
    const traefik = () => daemon.get("/api/export/traefik");
    const all = await until("every row is routed", async () => {
      const body = await traefik();
      const routed = Array.from({ length: ROUNDS }, (_, i) => serversFor(body, name(i)));
      return routed.every((servers) => servers?.length === 1) ? body : null;
    });
    assertEquals(brokenRules(all), []);
    const answer = await fetch(serversFor(all, name(0))![0]!);
    await answer.body?.cancel();
    assertEquals(answer.status, 404, "a web server without pages");

    const took: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const container = scope.containerName(`row-${round}`);
      const stopping = scope.docker("kill", container);
      // The Engine says first that a container dies, takes its network down, and then has it stopped.
      const [goneAt, stoppedAt] = await Promise.all([
        until("it is not routed any more", async () => {
          const body = await traefik();
          return serversFor(body, name(round)) === null ? performance.now() : null;
        }),
        until("the Engine has it stopped", async () => {
          const { containers: [listed] } = await docker.list({ ids: [ids[round]!] });
          return listed?.state === "exited" ? performance.now() : null;
        }),
      ]);
      const targets = await daemon.get("/api/export/prometheus");
      assertEquals(targets.length, ROUNDS - round - 1);
      await stopping;
      took.push(Math.round(goneAt - stoppedAt));
    }
    assertEquals(await traefik(), {});
    const median = took.toSorted((a, b) => a - b)[ROUNDS >> 1]!;
    assert(median <= WITHIN_MS, `${took.join(", ")} ms after the Engine had them stopped`);
    await daemon.stop();
  },
);

engineTest(
  "a container in the network host is led to by meta.port, one in a named network by its address",
  async (scope) => {
    const network = `${scope.name}-edge`;
    await scope.docker("network", "create", network);
    try {
      await using host = await TestHost.make();
      host.env["TINYFORGE_DOCKER_HOST"] = scope.engine.address;
      host.env["TINYFORGE_ROUTE_NETWORK"] = network;
      host.env["TINYFORGE_ROUTE_ADDRESS"] = "127.0.0.1";
      await using daemon = new LivingDaemon(host);
      await daemon.ready();
      const { body: { workloadId } } = await daemon.ask("POST", "/api/projects", { name: "app" });
      const rows = { host: { port: 8123 }, edge: null };
      for (const [id, meta] of Object.entries(rows)) {
        const row = { workloadId, meta, subdomain: `${id}.example.org` };
        await daemon.ask("PUT", `/api/containers/${id}`, row);
        await scope.run(id, {
          network: id === "edge" ? network : "host",
          labels: { "tinyforge.workload.id": workloadId, "tinyforge.row.id": id },
          args: ["--expose", "8080"],
        });
      }
      const body = await until("both are routed", async () => {
        const body = await daemon.get("/api/export/traefik");
        return Object.keys(body.http?.routers ?? {}).length === 2 ? body : null;
      });
      const address = await scope.docker(
        "inspect",
        "--format",
        "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
        scope.containerName("edge"),
      );
      assertEquals(serversFor(body, "edge.example.org"), [`http://${address}:8080`]);
      assertEquals(serversFor(body, "host.example.org"), ["http://127.0.0.1:8123"]);
      await daemon.stop();
    } finally {
      const left = await scope.docker("ps", "--all", "--quiet", "--filter", `name=${scope.name}-`);
      if (left !== "") await scope.docker("rm", "--force", ...left.split("\n"));
      await scope.docker("network", "rm", network);
    }
  },
);
