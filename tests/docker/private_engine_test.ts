import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DockerClient } from "../../src/docker/client.ts";
import { Failure, type FailureCode } from "../../src/failure.ts";
import { PrivateEngine, privateEngineTest } from "../engines/private.ts";
import { run } from "../engines/run.ts";
import { until } from "../harness/until.ts";

async function codeOf(promise: Promise<unknown>): Promise<FailureCode> {
  return (await assertRejects(() => promise, Failure)).code;
}

privateEngineTest("DockerClient tells how a real Engine is down, and finds it again", async () => {
  await using engine = await PrivateEngine.start();
  await using scope = await engine.scope();
  using client = new DockerClient({ host: engine.host, timeoutMs: 5000 });
  const id = await scope.run("web");
  const engineId = await client.engineId();

  let open = false;
  const stream = client.events({ onOpen: () => open = true });
  const broken = codeOf(stream.next());
  await until("the stream is open", () => open);
  await engine.kill();
  assertEquals(await broken, "engine-connection");
  // The first request may still find a connection that is just being closed.
  await until("nobody listens", async () => await codeOf(client.list()) === "engine-refused");

  await engine.up();
  assertEquals(await client.engineId(), engineId);
  const [container] = (await client.list({ ids: [id] })).containers;
  assertEquals(container!.id, id);

  await engine.removeSocket();
  using late = new DockerClient({ host: engine.host });
  assertEquals(await codeOf(late.list()), "engine-no-socket");
  await engine.stop();
  await engine.up();
  assertEquals(await late.engineId(), engineId);
});

privateEngineTest("DockerClient keeps its deadline with a real Engine that hangs", async () => {
  await using engine = await PrivateEngine.start();
  using client = new DockerClient({ host: engine.host, timeoutMs: 200 });
  await client.list({ timeoutMs: 5000 });
  const controller = new AbortController();
  let open = false;
  const follow = async () => {
    const options = { signal: controller.signal, onOpen: () => open = true, timeoutMs: 5000 };
    for await (const _ of client.events(options));
  };
  const aborted = assertRejects(follow, DOMException);
  await until("the stream is open", () => open);
  await engine.freeze();
  // What an idle watchdog sees: the stream is open and silent, and the ping says why.
  assertEquals(await codeOf(client.ping()), "engine-timeout");
  assertEquals(await codeOf(client.list()), "engine-timeout");
  controller.abort();
  await aborted;
  engine.thaw();
  await until("it answers again", () => client.ping().then(() => true, () => false));
  assertEquals((await client.list()).containers, []);
});

privateEngineTest("DockerClient speaks TLS with a real Engine and verifies it", async () => {
  const certificates = await Deno.makeTempDir();
  try {
    await makeCertificates(certificates);
    await using engine = await PrivateEngine.start({
      args: [
        ...["--host", "tcp://127.0.0.1:2376", "--tlsverify"],
        ...["--tlscacert", `${certificates}/ca.pem`],
        ...["--tlscert", `${certificates}/server-cert.pem`],
        ...["--tlskey", `${certificates}/server-key.pem`],
      ],
    });
    // A private Engine has a network of its own: whoever asks it by TCP must be in there.
    const inside = ["--target", String(engine.pid), "--net"];
    await run("nsenter", [...inside, "busybox", "ip", "link", "set", "lo", "up"]);
    const list = async (env: Record<string, string>): Promise<Record<string, string>> => {
      const args = [
        "run",
        "--quiet",
        "--allow-net",
        "--allow-read",
        "--allow-write",
        "--allow-env",
      ];
      args.push(`${import.meta.dirname}/list_once.ts`, "tcp://127.0.0.1:2376");
      return JSON.parse(await run("nsenter", [...inside, Deno.execPath(), ...args], { env }));
    };
    const verified = (folder: string) => list({ DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: folder });
    // It listens there a moment later than on its socket.
    await until("it answers over TLS", async () => "count" in await verified(certificates));

    // Another authority signed neither the Engine's certificate nor ours.
    const others = `${certificates}/others`;
    await Deno.mkdir(others);
    await makeCertificates(others);
    const refused = await verified(others);
    assertEquals(refused["code"], "engine-connection");
    assertStringIncludes(refused["hint"]!, "DOCKER_CERT_PATH");

    // The Engine's is known, ours is not.
    await Deno.copyFile(`${certificates}/ca.pem`, `${others}/ca.pem`);
    const unknown = await verified(others);
    assertEquals(unknown["code"], "engine-connection");

    const missing = await verified(`${certificates}/nothing`);
    assertEquals(missing["code"], "engine-host");
    assertStringIncludes(missing["message"]!, `"${certificates}/nothing/`);

    const insecure = await list({});
    assertEquals(insecure["code"], "engine-http");
    assertStringIncludes(insecure["message"]!, "HTTPS server");
  } finally {
    await Deno.remove(certificates, { recursive: true });
  }
});

/** An authority, a server's and a client's certificate, named as Docker names them. */
async function makeCertificates(folder: string): Promise<void> {
  const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });
  const key = (name: string) =>
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name);
  await key("ca-key.pem");
  await openssl(
    ...["req", "-new", "-x509", "-days", "2", "-key", "ca-key.pem", "-sha256"],
    ...["-subj", "/CN=test authority", "-out", "ca.pem"],
  );
  const sign = async (name: string, usage: string) => {
    const [keyFile, certFile] = name === "server"
      ? ["server-key.pem", "server-cert.pem"]
      : ["key.pem", "cert.pem"];
    await key(keyFile);
    await openssl("req", "-new", "-subj", `/CN=${name}`, "-key", keyFile, "-out", "request.pem");
    await Deno.writeTextFile(
      `${folder}/extensions`,
      `subjectAltName = IP:127.0.0.1\nextendedKeyUsage = ${usage}\n`,
    );
    await openssl(
      ...["x509", "-req", "-days", "2", "-sha256", "-in", "request.pem", "-CA", "ca.pem"],
      ...["-CAkey", "ca-key.pem", "-CAcreateserial", "-extfile", "extensions", "-out", certFile],
    );
  };
  await sign("server", "serverAuth");
  await sign("client", "clientAuth");
}
