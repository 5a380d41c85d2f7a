import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { SecretFile, SECRETS } from "../../src/notify/secret_file.ts";
import { takeInUrl } from "../../src/notify/urls.ts";
import { FakeEngine } from "../engines/scripted.ts";
import { makeKeys } from "../harness/backups.ts";
import { LivingDaemon } from "../harness/living_daemon.ts";
import { writeProblems } from "../harness/problems.ts";
import { TestHost } from "../harness/program.ts";
import { until } from "../harness/until.ts";
import { engineDown } from "./telling.ts";
import { Receiver } from "../receivers/receiver.ts";
import { MailServer } from "../receivers/smtp.ts";
import { assertClean, movedTo, SECRET, URLS } from "./secret_channels.ts";
import { WEBHOOK_KEY, WebhookReceiver } from "../receivers/webhook.ts";

/** A file of the host's own. */
async function fileWith(host: TestHost, text: string): Promise<string> {
  const path = join(host.dir, `file-${crypto.randomUUID()}`);
  await Deno.writeTextFile(path, text);
  return path;
}

/** Everything in the data directory but the file that is for secrets. */
async function dataOf(host: TestHost): Promise<string> {
  const texts: string[] = [];
  for await (const { name, isFile } of Deno.readDir(host.dataDir)) {
    if (!isFile || name === "secrets.json") continue;
    texts.push(new TextDecoder("latin1").decode(await Deno.readFile(join(host.dataDir, name))));
  }
  return texts.join("\n");
}

Deno.test("tinyforge notify add refuses an address that nothing would be sent to", async () => {
  await using host = await TestHost.make();
  const hint = "hint: if it is meant to be on this machine, allow it with --allow-loopback\n";
  for (
    const [url, refused] of [
      ["http://127.0.0.1:8080/hook", `loopback addresses are refused\n${hint}`],
      ["https://[::1]/hook", `loopback addresses are refused\n${hint}`],
      ["ntfy://2130706433/topic", `loopback addresses are refused\n${hint}`],
      ["http://169.254.169.254/latest", "link-local addresses are refused\n"],
    ] as const
  ) {
    const { code, stderr } = await host.run("notify", "add", "ops", url);
    assertEquals([code, stderr], [2, `Cannot use the URL: ${refused}`], url);
  }
  const away = await host.run("notify", "add", "ops", "http://10.0.0.7:8080/hook");
  assertEquals([away.code, (await host.json("notify", "list")).length], [0, 1]);
});

Deno.test("tinyforge notify test waits for the outcome and shows the receiver's answer", async () => {
  await using receiver = new WebhookReceiver();
  await using host = await TestHost.make();
  const key = await fileWith(host, `${WEBHOOK_KEY}\n`);
  const url = `${receiver.origin}/hook`;
  // What a name stands for is looked at when something is sent.
  const named = url.replace("127.0.0.1", "localhost");
  const taken = await host.run("notify", "add", "ops", named, "--secret-file", key);
  assertEquals(taken.code, 0, taken.stderr);
  const loopback = await host.run("notify", "test", "ops");
  assertEquals(loopback.code, 1);
  assertMatch(
    loopback.stderr,
    /^Not delivered \(address\): .*loopback.*\nhint: .*notify rm ops, .*--allow-loopback\n$/,
  );
  const log = await host.run("notify", "log");
  assertEquals([log.code, log.stdout, log.stderr], [0, "", "Nothing was told yet.\n"]);
  assertEquals((await host.run("notify", "rm", "ops")).code, 0);

  const added = await host.run(
    ...["notify", "add", "ops", url, "--secret-file", key, "--allow-loopback"],
  );
  assertEquals(added.code, 0, added.stderr);
  const delivered = await host.run("notify", "test", "ops");
  assertEquals([delivered.code, delivered.stderr], [0, "Delivered: 204\n"]);
  assertEquals(receiver.accepted.size, 1);

  receiver.next.push(() => new Response("no such topic", { status: 500 }));
  const failed = await host.run("notify", "test", "ops");
  assertEquals([failed.code, failed.stderr], [1, "Not delivered (answer): 500 no such topic\n"]);
  const twice = await host.run("notify", "add", "ops", named);
  assertEquals(twice.code, 1);
  assertMatch(twice.stderr, /there is one already\nhint: .*`tinyforge notify rm`\n$/);
  assertEquals((await host.json("notify", "list")).length, 1);
  assertEquals((await host.run("notify", "rm", "nobody")).code, 1);
});

Deno.test("the daemon tells a channel that is added while it runs, and ends when it is asked to", async () => {
  await using receiver = new WebhookReceiver();
  // There is no Engine, so that what was open before stays.
  await using host = await TestHost.seeded((store) => writeProblems(store, engineDown()));
  await using daemon = new LivingDaemon(host);
  await daemon.started();
  const key = await fileWith(host, WEBHOOK_KEY);
  const url = `${receiver.origin}/hook`;
  const added = await host.run(
    ...["notify", "add", "ops", url, "--secret-file", key, "--allow-loopback"],
  );
  assertEquals(added.code, 0, added.stderr);
  await until("it was told", () => receiver.accepted.size === 1);
  assertEquals(receiver.lastJson.data.reason, "baseline");
  const metrics = () => daemon.send("GET", "/metrics").then((response) => response.text());
  await until(
    "it was counted",
    async () =>
      (await metrics()).includes('tinyforge_notify_attempts_total{outcome="delivered"} 1'),
  );
  assertMatch(await metrics(), /tinyforge_notify_channels\{state="ok"\} 1/);
  daemon.running.process.kill("SIGTERM");
  assertEquals((await daemon.running.process.status).code, 0);
});

Deno.test("tinyforge notify log says what each message is about", async () => {
  await using host = await TestHost.seeded((store) => {
    const rule = { workloads: null, kinds: null, minSeverity: "low", remindAfterMs: null } as const;
    const config = { origin: "https://o.example" };
    store.channels.add({ id: "c1", name: "ops", type: "webhook", config, fallbackId: null }, rule);
    const of = (kind: string, workload: string | null, row: string | null = null) => ({
      ...{ key: kind, kind, severity: "high" as const, workload, row, container: null, since: 1 },
      ...{ closedAt: null, evidence: [], do: null },
    });
    const notice = (at: number, kind: string, ...problems: ReturnType<typeof of>[]) => ({
      ...{
        id: `msg_${at}`,
        kind,
        subject: null,
        at,
        deliveries: [{ channelId: "c1", queuedAt: at }],
      },
      content: JSON.stringify({ kind, at, host: null, problems, total: problems.length }),
    });
    store.notices.write({
      lookedAt: 9,
      notices: [
        notice(1, "test"),
        notice(2, "opened", of("unhealthy", "shop", "web 2")),
        notice(3, "opened", of("engine-down", null)),
        notice(4, "digest", of("missing", "blog"), of("oom", "shop"), of("oom", "mail")),
      ],
    });
  });
  const { stdout } = await host.run("notify", "log");
  const told = stdout.trimEnd().split("\n").map((line) => line.split(/ {2,}/).slice(2, 4));
  assertEquals(told, [
    ["KIND", "ABOUT"],
    ["digest", "blog: missing and 2 more"],
    ["opened", "this host: engine-down"],
    ["opened", "shop, web 2: unhealthy"],
    ["test", "-"],
  ]);
  const [digest] = await host.json("notify", "log");
  assertEquals(digest.about, { total: 3, kind: "missing", workload: "blog", row: null });
});

Deno.test("no secret of any channel is shown or kept where people look", async () => {
  await using receiver = new Receiver(() => new Response("no", { status: 500 }));
  await using engine = await FakeEngine.start();
  await using host = await TestHost.make();
  host.env.TINYFORGE_DOCKER_HOST = `unix://${engine.path}`;
  host.env.TINYFORGE_LOG_LEVEL = "debug";
  host.env.TINYFORGE_HEARTBEAT_URL = `${receiver.origin}/h34rtb3at`;
  host.env.TINYFORGE_HEARTBEAT_FAIL_URL = `${receiver.origin}/h34rtb3at/fail`;
  const at = `127.0.0.1:${receiver.port}`;
  const login = btoa("user:s3crettwo");
  const kept = ["s3cretone", login, "s3cretthree", "s3cretfour", "s3cretfive"];
  const secrets = [...kept, "s3crettwo", "h34rtb3at"];
  const channels: [string, string, string | null][] = [
    ["webhook", `http://${at}/s3cretone`, WEBHOOK_KEY],
    ["ntfy", `ntfy://user:s3crettwo@${at}/topic`, null],
    ["gotify", `gotify://${at}/s3cretthree`, null],
    ["mattermost", `mmost://${at}/s3cretfour`, null],
    ["apprise", `apprise://${at}/s3cretfive`, null],
  ];
  const shown: string[] = [];
  const keep = ({ stdout, stderr }: { stdout: string; stderr: string }) =>
    void shown.push(stdout, stderr);
  await using daemon = new LivingDaemon(host);
  await daemon.started();
  for (const [name, url, secret] of channels) {
    const file = await fileWith(host, secret ?? url);
    const words = secret === null ? [] : [url];
    const ran = await host.run(
      ...["notify", "add", name, ...words, "--secret-file", file, "--allow-loopback"],
    );
    assertEquals(ran.code, 0, ran.stderr);
    keep(ran);
    const tested = await host.run("notify", "test", name);
    assertEquals(tested.code, 1, tested.stderr);
    keep(tested);
  }
  const targets = () => receiver.requests.map(({ target }) => target);
  await until("its heart beat", () => targets().includes("/h34rtb3at"));
  await until("it said so", () => daemon.running.stderr.includes("heartbeat is not answered"));
  assertEquals(new Set(targets()).size, channels.length + 1, "something was not asked");
  keep(await host.run("notify", "add", "bad", "ftp://s3cretone@host/s3crettwo"));
  keep(await host.run("notify", "add", "bad", "discord://s3cretone"));
  for (const command of [["list"], ["list", "--json"], ["log"], ["log", "--json"]]) {
    keep(await host.run("notify", ...command));
  }
  for (
    const path of ["/api/channels", "/api/rules", "/api/deliveries", "/metrics", "/api/status"]
  ) shown.push(await (await daemon.send("GET", path)).text());
  shown.push(daemon.running.stderr, daemon.running.stdout, await dataOf(host));
  for (const secret of [...secrets, WEBHOOK_KEY.slice("whsec_".length)]) {
    assert(!shown.join("\n").includes(secret), `${secret} is shown`);
  }
  const path = join(host.dataDir, "secrets.json");
  const file = await Deno.readTextFile(path);
  for (const secret of kept) assert(file.includes(secret), secret);
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
});

Deno.test("no secret of any kind of channel is shown or kept where people look, though receivers say all that they were told", async () => {
  await using receiver = new Receiver(({ method, target, headers, body }) => {
    const said = `${method} ${target} ${[...headers].join(" ")}`;
    return new Response(`${said.slice(0, 900)} ${body.slice(0, 100)}`, { status: 500 });
  });
  await using mail = await MailServer.start({
    login: { user: "user", password: SECRET },
    refuseMail: `550 your password is ${SECRET}, ${btoa(SECRET)}, ${btoa(`\0user\0${SECRET}`)}`,
  });
  await using host = await TestHost.seeded((store) => writeProblems(store, engineDown()));
  host.env.TINYFORGE_LOG_LEVEL = "debug";
  const settings = [
    ...URLS.map((url) => movedTo(receiver.origin, takeInUrl(url))),
    {
      ...takeInUrl(`mailto://user:${SECRET}@host.test?mode=insecure`),
      config: { origin: `smtp://127.0.0.1:${mail.port}`, form: "plain", allowLoopback: true },
    },
  ];
  // None is left out.
  const kinds = new Set(settings.map(({ type }) => type));
  assertEquals(kinds.size, 10, [...kinds].join(" "));
  const secrets = new SecretFile(join(host.dataDir, SECRETS));
  for (const [i, each] of settings.entries()) await secrets.set(`id-${i}`, each.secrets);
  await host.seed((store) => {
    for (const [i, { type, config }] of settings.entries()) {
      const channel = { id: `id-${i}`, name: `${type}-${i}`, type, config: { ...config } };
      const rule = { workloads: null, kinds: null, remindAfterMs: null } as const;
      store.channels.add({ ...channel, fallbackId: null }, { ...rule, minSeverity: "high" });
    }
  });
  const shown: [what: string, text: string][] = [];
  const run = async (...words: string[]) => {
    const { stdout, stderr } = await host.run(...words);
    shown.push([`tinyforge ${words.join(" ")}`, stdout + stderr]);
  };
  await using daemon = new LivingDaemon(host);
  await daemon.started();
  await until(
    "each was told by the daemon",
    async () =>
      new Set(
        (await daemon.get("/api/deliveries")).items
          .flatMap(({ channel, attempts }: { channel: string; attempts: number }) =>
            attempts > 0 ? [channel] : []
          ),
      ).size === settings.length,
  );
  for (const [i, { type }] of settings.entries()) await run("notify", "test", `${type}-${i}`);
  await run("notify", "list");
  await run("notify", "log", "--json");
  for (const url of URLS) await run("notify", "add", "more", url.replace("://", "://%ZZ"));
  for (const path of ["channels", "rules", "deliveries", "status", "problems"]) {
    shown.push([path, await (await daemon.send("GET", `/api/${path}`)).text()]);
  }
  shown.push(["metrics", await (await daemon.send("GET", "/metrics")).text()]);
  const keys = await makeKeys();
  await run("backup", join(host.dir, "plain.tar"));
  await run("backup", join(host.dir, "kept.tar.age"), "--recipient", keys.recipient);
  for (const name of ["plain.tar", "kept.tar.age"]) {
    const bytes = await Deno.readFile(join(host.dir, name));
    assert(bytes.length > 1000, name);
    shown.push([name, new TextDecoder("latin1").decode(bytes)]);
  }
  await daemon.stop();
  shown.push(["log", daemon.running.stderr + daemon.running.stdout], [
    "database",
    await dataOf(host),
  ]);
  for (const [what, text] of shown) assertClean(text, what);
  // It was told to every one of them, and is kept where it belongs.
  const asked = receiver.requests.map(({ target, headers, body }) =>
    JSON.stringify([target, [...headers], body])
  );
  assert(asked.length >= 2 * URLS.length, String(asked.length));
  assertThrows(() => assertClean(asked.join("\n"), "requests"));
  assertThrows(() => assertClean(Deno.readTextFileSync(join(host.dataDir, SECRETS)), "secrets"));
});

Deno.test("two hosts on one channel are told apart, by their own names or by those they are given", async () => {
  await using receiver = new WebhookReceiver();
  const hosts: string[] = [];
  for (const named of [[], ["--host-name", "web-2"]]) {
    await using host = await TestHost.make();
    const key = await fileWith(host, WEBHOOK_KEY);
    const url = `${receiver.origin}/hook`;
    await host.run(...["notify", "add", "ops", url, "--secret-file", key, "--allow-loopback"]);
    const test = await host.run("notify", "test", "ops", ...named);
    assertEquals(test.code, 0, test.stderr);
    const { host: told, text } = receiver.lastJson.data;
    assertMatch(text, new RegExp(`^Host: ${RegExp.escape(told)}$`, "m"));
    hosts.push(told);
  }
  assertEquals(hosts, [Deno.hostname(), "web-2"]);
});

Deno.test("tinyforge notify add takes who stands in for a channel, and when to remind", async () => {
  await using receiver = new WebhookReceiver();
  await using host = await TestHost.make();
  const add = (...words: string[]) =>
    host.run("notify", "add", ...words, "--allow-loopback", "--json");
  const second = await add("second", `${receiver.origin}/2`);
  const first = await add(
    ...["first", `${receiver.origin}/1`, "--fallback", "second", "--remind-after", "4h"],
  );
  assertEquals(first.code, 0, first.stderr);
  assertEquals(JSON.parse(first.stdout).fallback, JSON.parse(second.stdout).id);
  const rules = await host.read((store) => store.channels.rules());
  assertEquals(rules.map(({ remindAfterMs }) => remindAfterMs), [null, 4 * 3_600_000]);

  const soon = await add("third", `${receiver.origin}/3`, "--remind-after", "4m");
  assertEquals(soon.code, 2);
  assertMatch(soon.stderr, /--remind-after .*4m.*: not whole minutes, at least 5/);
  const nobody = await add("third", `${receiver.origin}/3`, "--fallback", "nobody");
  assertEquals(nobody.code, 1);
  assertMatch(nobody.stderr, /nobody/);
  assertEquals((await host.json("notify", "list")).length, 2);
});
