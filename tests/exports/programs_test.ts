/**
 * Real programs that read what is exported: Prometheus and Caddy, configured as the README says.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { engineTest } from "../engines/docker.ts";
import { freePort } from "../harness/free_port.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { missing } from "../harness/missing.ts";
import { Running, TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";

const README = await Deno.readTextFile(new URL("../../README.md", import.meta.url));

/** The block of the README that begins so, with other words in place of some. */
function block(begin: string, replaced: Readonly<Record<string, string>>): string {
  const found = README.split("```").find((text) => text.startsWith(begin));
  if (found === undefined) throw new Error(`The README has no block "${begin}"`);
  let text = found.slice(found.indexOf("\n") + 1);
  for (const [from, to] of Object.entries(replaced)) {
    assertStringIncludes(text, from);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** Makes the token that reads, as the README says, in a folder in place of `/etc/tinyforge`. */
async function readersToken(host: TestHost): Promise<string> {
  const folder = join(host.dir, "etc");
  const script = block("sh\nmkdir -p /etc/tinyforge", { "/etc/tinyforge": folder });
  const { code, stderr } = await host.shell(["-euc", script]);
  assertEquals(code, 0, stderr);
  return folder;
}

const has = (program: string, ...args: string[]) =>
  new Deno.Command(program, { args, stdout: "null", stderr: "null" }).output()
    .then(() => true, () => false);

const prometheus = await has("prometheus", "--version")
  ? engineTest
  : (name: string) => missing(name, "prometheus is not installed");
const caddy = await has("caddy", "version")
  ? Deno.test
  : (name: string) => missing(name, "caddy is not installed");

prometheus(
  "the README's Prometheus scrapes what runs, keeps it while the daemon is away, and drops what is gone",
  async (scope) => {
    await using host = await TestHost.make();
    const [port, own] = [freePort(), freePort()];
    host.env["TINYFORGE_DOCKER_HOST"] = scope.engine.address;
    host.env["TINYFORGE_LISTEN"] = `127.0.0.1:${port}`;
    const daemon = new LivingDaemon(host);
    await daemon.ready();
    const { body: shop } = await daemon.ask("POST", "/api/projects", { name: scope.name });
    const { workloadId } = shop;
    const script = "busybox mkdir /www; echo demo_value 42 > /www/numbers; " +
      "exec busybox httpd -f -p 80 -h /www";
    for (const [id, meta] of [["web", { metrics: "/numbers" }], ["silent", {}]] as const) {
      await daemon.ask("PUT", `/api/containers/${id}`, { workloadId, meta });
      await scope.run(id, {
        network: "bridge",
        labels: { "tinyforge.workload.id": workloadId, "tinyforge.row.id": id },
        args: ["--publish", "127.0.0.1::80"],
        command: ["sh", "-c", script],
      });
    }

    const token = join(await readersToken(host), "token");

    const config = join(host.dir, "prometheus.yml");
    await Deno.writeTextFile(
      config,
      "global: { scrape_interval: 1s, scrape_timeout: 1s }\n" + block("yaml\n# Prometheus", {
        "127.0.0.1:7475": `127.0.0.1:${port}`,
        "/etc/tinyforge/token": token,
        "15s": "1s",
      }),
    );
    await using server = new Running(
      new Deno.Command("prometheus", {
        args: [
          `--config.file=${config}`,
          `--storage.tsdb.path=${join(host.dir, "prometheus")}`,
          `--web.listen-address=127.0.0.1:${own}`,
        ],
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
    // Empty until it is ready.
    const ask = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${own}${path}`).catch(() => null);
      const text = await response?.text();
      return response?.ok ? text! : "";
    };
    const query = async (expression: string) => {
      const answer = await ask(`/api/v1/query?query=${encodeURIComponent(expression)}`);
      return answer === "" ? [] : JSON.parse(answer).data.result;
    };
    const targets = async () =>
      JSON.parse(await ask("/api/v1/targets?state=active")).data.activeTargets
        .map(({ labels }: { labels: Record<string, string> }) => labels["row"]);

    const [found] = await until("Prometheus has scraped the container", async () => {
      const result = await query("demo_value");
      return result.length > 0 ? result : null;
    }, { withinMs: 30_000 }).catch((cause) => {
      throw new Error(server.stderr, { cause });
    });
    const { row, workload } = found.metric;
    assertEquals([row, workload, found.value[1]], ["web", scope.name, "42"]);
    assertEquals(await targets(), ["web"]);

    await daemon.stop();
    await until(
      "Prometheus was refused",
      async () => /^prometheus_sd_http_failures_total [1-9]/m.test(await ask("/metrics")),
    );
    assertEquals(await targets(), ["web"], "kept");

    await using again = new LivingDaemon(host);
    await again.ready();
    await scope.docker("rm", "--force", scope.containerName("web"));
    await until("the target is gone", async () => (await targets()).length === 0);
    await again.stop();
  },
);

caddy(
  "the README's Caddy gets certificates for domains that are known, and for no others",
  async () => {
    await using host = await TestHost.seeded((store) => {
      store.registry.create("site", { name: "blog", domain: "blog.example.org" });
      const { workloadId } = store.registry.create("project", { name: "app" }).entry;
      store.deployed.saveDeployedContainer({
        id: "api-1",
        workloadId,
        subdomain: "api.example.org",
      });
    });
    const [asked, http, https, upstream] = [freePort(), freePort(), freePort(), freePort()];
    const port = freePort();
    host.env["TINYFORGE_LISTEN"] = `127.0.0.1:${port}`;
    await using daemon = new LivingDaemon(host);
    await daemon.address();
    const etc = await readersToken(host);
    const included = block('sh\necho "header_up', {
      "/etc/tinyforge": etc,
      "-g caddy ": "",
    });
    assertEquals((await host.shell(["-euc", included])).code, 0);
    const config = join(host.dir, "Caddyfile");
    await Deno.writeTextFile(
      config,
      block("caddyfile\n", {
        // Certificates of its own, on ports and in a directory of the test's.
        "{\n\ton_demand_tls {": `{\n\tadmin off\n\thttp_port ${http}\n\thttps_port ${https}\n` +
          "\tdefault_bind 127.0.0.1\n\tlocal_certs\n\tskip_install_trust\n\ton_demand_tls {",
        "127.0.0.1:9123": `127.0.0.1:${asked}`,
        "127.0.0.1:8080": `127.0.0.1:${upstream}`,
        "127.0.0.1:7475": `127.0.0.1:${port}`,
        "import /etc/tinyforge": `import ${etc}`,
      }),
    );
    const served = Deno.serve(
      { hostname: "127.0.0.1", port: upstream, onListen: () => {} },
      (request) => new Response(request.headers.get("host")),
    );
    try {
      await using server = new Running(
        new Deno.Command("caddy", {
          args: ["run", "--config", config, "--adapter", "caddyfile"],
          env: { HOME: host.dir, XDG_DATA_HOME: host.dir, XDG_CONFIG_HOME: host.dir },
          stdout: "piped",
          stderr: "piped",
        }).spawn(),
      );
      await until("Caddy serves", () => server.stderr.includes("serving initial configuration"));
      const page = async (domain: string) => {
        const { code, stdout } = await new Deno.Command("curl", {
          args: [
            ...["--silent", "--insecure", "--max-time", "20"],
            ...["--resolve", `${domain}:${https}:127.0.0.1`, `https://${domain}:${https}/`],
          ],
        }).output();
        return code === 0 ? new TextDecoder().decode(stdout) : `curl ended with ${code}`;
      };
      assertEquals(await page("blog.example.org"), `blog.example.org:${https}`, server.stderr);
      assertEquals(await page("api.example.org"), `api.example.org:${https}`, server.stderr);
      // 35: no connection, since there is no certificate to show.
      assertEquals(await page("evil.example.org"), "curl ended with 35", server.stderr);
      assert(
        (await daemon.metric(
          'tinyforge_http_requests_total{route="/api/export/caddy/ask",code="404"}',
        )) >= 1,
      );
      // Who reaches what Caddy asks may ask that and nothing else.
      const other = await fetch(`http://127.0.0.1:${asked}/api/containers?domain=evil.example.org`);
      assertEquals([other.status, (await other.json()).code], [404, "not-found"]);
    } finally {
      await served.shutdown();
    }
  },
);
