import { assert, assertEquals, assertRejects } from "@std/assert";
import { createDialer, type DialerOptions, DialError } from "../../src/notify/dial.ts";
import { type Answer, exchange } from "../../src/notify/exchange.ts";
import { freePort } from "../harness/free_port.ts";
import { certificateFor } from "../receivers/certificate.ts";
import { Receiver } from "../receivers/receiver.ts";

const NEVER = new AbortController().signal;

interface Asked extends DialerOptions {
  allowLoopback?: boolean;
  signal?: AbortSignal;
  deadlineMs?: number;
  headers?: Record<string, string>;
  body?: string;
}

function ask(url: string, options: Asked = {}): Promise<Answer> {
  return exchange(createDialer(options), {
    method: "POST",
    url: new URL(url),
    body: options.body ?? "hello",
    ...(options.headers !== undefined && { headers: options.headers }),
    allowLoopback: options.allowLoopback ?? true,
  }, {
    signal: options.signal ?? NEVER,
    ...(options.deadlineMs !== undefined && { deadlineMs: options.deadlineMs }),
  });
}

async function failureOf(url: string, options: Asked = {}): Promise<DialError> {
  return await assertRejects(() => ask(url, options), DialError);
}

/** A server that says what a test wants, byte by byte. */
function raw(
  speak: (connection: Deno.Conn, write: (text: string) => Promise<void>) => Promise<void>,
): { port: number } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      open.push(connection);
      const write = async (text: string) => {
        await connection.write(new TextEncoder().encode(text));
      };
      await speak(connection, write).catch(() => {});
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await serving;
      for (const connection of open) {
        try {
          connection.close();
        } catch {
          // Closed by the test.
        }
      }
    },
  };
}

async function readHead(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(16_384);
  let text = "";
  while (!text.includes("\r\n\r\n")) {
    const count = await connection.read(buffer);
    if (count === null) break;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return text;
}

Deno.test("createDialer() refuses names by what they resolve to", async () => {
  await using receiver = new Receiver(() => new Response("reached"));
  const cases: [string, string[]][] = [
    ["metadata.test", ["169.254.169.254"]],
    ["link.test", ["fe80::1"]],
    ["zero.test", ["0.1.2.3"]],
    ["mapped.test", ["::ffff:169.254.0.1"]],
    ["many.test", ["239.1.1.1"]],
    // A good address does not redeem a bad one.
    ["mixed.test", ["127.0.0.1", "169.254.169.254"]],
  ];
  for (const [name, addresses] of cases) {
    const error = await failureOf(`http://${name}:${receiver.port}/`, {
      lookup: () => Promise.resolve(addresses),
    });
    assertEquals(error.why, "address", name);
    assert(error.message.includes(addresses.at(-1)!), error.message);
  }
  assertEquals(receiver.requests.length, 0);
});

Deno.test("createDialer() refuses addresses however they are written", async () => {
  const urls = [
    "http://0.1.2.3/",
    "http://[::ffff:169.254.0.1]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://[fe80::1]/",
    "http://[::]/",
    "http://224.0.0.251/",
  ];
  for (const url of urls) {
    const error = await failureOf(url, {
      lookup: () => Promise.reject(new Error("an address was resolved")),
    });
    assertEquals(error.why, "address", url);
  }
});

Deno.test("createDialer() reaches this machine only where the channel allows it", async () => {
  await using receiver = new Receiver(() => new Response("reached"));
  const lookup = () => Promise.resolve(["127.0.0.1"]);
  for (const host of ["127.0.0.1", "localhost", "here.test", "[::ffff:127.0.0.1]"]) {
    const url = `http://${host}:${receiver.port}/`;
    const options = host === "here.test" ? { lookup } : {};
    assertEquals((await failureOf(url, { ...options, allowLoopback: false })).why, "address", host);
    assertEquals((await ask(url, options)).body, "reached", host);
  }
  assertEquals(receiver.requests.length, 4);
});

Deno.test("createDialer() dials the address that was judged, not what the name means later", async () => {
  await using receiver = new Receiver(() => new Response("reached"));
  let asked = 0;
  const lookup = () => Promise.resolve(++asked === 1 ? ["127.0.0.1"] : ["169.254.169.254"]);
  const answer = await ask(`http://rebinding.test:${receiver.port}/`, { lookup });
  assertEquals([answer.status, asked], [200, 1]);
  assertEquals(receiver.requests[0]!.headers.get("host"), `rebinding.test:${receiver.port}`);
  const error = await failureOf(`http://rebinding.test:${receiver.port}/`, { lookup });
  assertEquals([error.why, asked], ["address", 2]);
});

Deno.test("createDialer() tries the next address when one refuses", async () => {
  await using receiver = new Receiver(() => new Response("reached"));
  const lookup = () => Promise.resolve(["127.0.0.2", "127.0.0.1"]);
  assertEquals((await ask(`http://two.test:${receiver.port}/`, { lookup })).status, 200);
});

Deno.test("createDialer() says what failed", async () => {
  const lookup = () => Promise.reject(new Error("ENOTFOUND"));
  assertEquals((await failureOf("http://nowhere.test/", { lookup })).why, "name");
  assertEquals(
    (await failureOf("http://empty.test/", { lookup: () => Promise.resolve([]) })).why,
    "name",
  );
  assertEquals((await failureOf(`http://127.0.0.1:${freePort()}/`)).why, "connection");
});

Deno.test("createDialer() trusts a certificate for the name, not for the address", async () => {
  const certificate = await certificateFor("receiver.test");
  await using receiver = new Receiver(() => new Response("reached"), { certificate });
  const lookup = () => Promise.resolve(["127.0.0.1"]);
  const url = (name: string) => `https://${name}:${receiver.port}/`;
  const caCerts = [certificate.ca];
  assertEquals((await ask(url("receiver.test"), { lookup, caCerts })).body, "reached");
  assertEquals((await failureOf(url("other.test"), { lookup, caCerts })).why, "tls");
  assertEquals((await failureOf(url("receiver.test"), { lookup })).why, "tls");
  assertEquals(receiver.requests.length, 1);
});

Deno.test("createDialer() takes no proxy from the environment", async () => {
  await using receiver = new Receiver(() => new Response("reached"));
  await using proxy = new Receiver(() => new Response("the proxy"));
  const names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"];
  const before = names.map((name) => Deno.env.get(name));
  try {
    for (const name of names) Deno.env.set(name, proxy.origin);
    assertEquals((await ask(`${receiver.origin}/`)).body, "reached");
  } finally {
    names.forEach((name, i) => {
      if (before[i] === undefined) Deno.env.delete(name);
      else Deno.env.set(name, before[i]);
    });
  }
  assertEquals(proxy.requests.length, 0);
});

Deno.test("createDialer() gives a proxy the whole URL, and its login", async () => {
  await using proxy = raw(async (connection, write) => {
    const head = await readHead(connection);
    const [first] = head.split("\r\n");
    const login = /Proxy-Authorization: (.*)\r/i.exec(head)?.[1];
    await write(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${first} | ${login}`);
    connection.close();
  });
  const answer = await ask("http://receiver.test/path?query", {
    proxy: new URL(`http://user:pass@127.0.0.1:${proxy.port}`),
    lookup: () => Promise.reject(new Error("not known here")),
    allowLoopback: false,
  });
  assertEquals(
    answer.body,
    `POST http://receiver.test/path?query HTTP/1.1 | Basic ${btoa("user:pass")}`,
  );
});

Deno.test("createDialer() goes through a proxy's tunnel, encrypted to the receiver", async () => {
  const certificate = await certificateFor("receiver.test");
  await using receiver = new Receiver(() => new Response("reached"), { certificate });
  const asked: string[] = [];
  await using proxy = raw(async (connection, write) => {
    asked.push((await readHead(connection)).split("\r\n")[0]!);
    const onward = await Deno.connect({ hostname: "127.0.0.1", port: receiver.port });
    await write("HTTP/1.1 200 Connection established\r\n\r\n");
    await Promise.all([
      connection.readable.pipeTo(onward.writable).catch(() => {}),
      onward.readable.pipeTo(connection.writable).catch(() => {}),
    ]);
  });
  const options = {
    proxy: new URL(`http://127.0.0.1:${proxy.port}`),
    caCerts: [certificate.ca],
    lookup: () => Promise.reject(new Error("not known here")),
    allowLoopback: false,
  };
  assertEquals((await ask("https://receiver.test/", options)).body, "reached");
  assertEquals(asked, ["CONNECT receiver.test:443 HTTP/1.1"]);
});

Deno.test("createDialer() lets no proxy reach what must not be dialled", async () => {
  await using proxy = new Receiver(() => new Response("the proxy"));
  const options = { proxy: new URL(proxy.origin), allowLoopback: false };
  for (const host of ["169.254.169.254", "127.0.0.1", "[::ffff:169.254.0.1]"]) {
    assertEquals((await failureOf(`http://${host}/`, options)).why, "address", host);
  }
  const lookup = () => Promise.resolve(["169.254.169.254"]);
  assertEquals((await failureOf("http://bad.test/", { ...options, lookup })).why, "address");
  assertEquals(proxy.requests.length, 0);
});

Deno.test("createDialer() says that a proxy refuses", async () => {
  await using proxy = raw(async (connection, write) => {
    await readHead(connection);
    await write("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    connection.close();
  });
  const error = await failureOf("https://receiver.test/", {
    proxy: new URL(`http://127.0.0.1:${proxy.port}`),
    lookup: () => Promise.reject(new Error("not known here")),
  });
  assertEquals([error.why, error.message], [
    "connection",
    "Cannot go through the proxy: it answered 407",
  ]);
});

Deno.test("exchange() follows no redirect", async () => {
  await using other = new Receiver(() => new Response("reached"));
  for (const status of [301, 302, 303, 307, 308]) {
    for (const location of [`${other.origin}/`, "http://169.254.169.254/", "/elsewhere"]) {
      await using receiver = new Receiver(() =>
        new Response("moved", { status, headers: { location } })
      );
      assertEquals((await ask(receiver.origin)).status, status);
      assertEquals(receiver.requests.length, 1);
    }
  }
  assertEquals(other.requests.length, 0);
});

Deno.test("exchange() sends what it is told to, and nothing that it is not", async () => {
  await using receiver = new Receiver(() => new Response("ok"));
  await ask(`${receiver.origin.replace("//", "//user:secret@")}/a%20b?c=d#e`, {
    body: "тело",
    headers: { "X-Own": "1", Host: "elsewhere", "Content-Length": "1", Connection: "upgrade" },
  });
  const { method, target, headers, body } = receiver.requests[0]!;
  assertEquals([method, target, body], ["POST", "/a%20b?c=d", "тело"]);
  assertEquals(
    ["host", "content-length", "x-own", "authorization", "user-agent"].map((n) => headers.get(n)),
    [`127.0.0.1:${receiver.port}`, "8", "1", null, "tinyforge"],
  );
});

Deno.test("exchange() lets no header end another", async () => {
  await using receiver = new Receiver(() => new Response("ok"));
  for (const value of ["a\r\nX-Forged: 1", "a\nb", "a\0b", "при"]) {
    assertEquals(
      (await failureOf(receiver.origin, { headers: { "X-Own": value } })).why,
      "settings",
    );
  }
  assertEquals(receiver.requests.length, 0);
});

Deno.test("exchange() speaks http and https alone", async () => {
  for (const url of ["ftp://receiver.test/", "file:///etc/passwd", "unix:///var/run/docker.sock"]) {
    assertEquals((await failureOf(url)).why, "settings");
  }
});

Deno.test("exchange() reads every way in which a body can end", async () => {
  const answers: [string, string][] = [
    ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more", "hello"],
    ["HTTP/1.0 200 OK\r\n\r\nuntil the end", "until the end"],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
      "abcde",
    ],
    ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", ""],
    ["HTTP/1.1 200 \r\nContent-Length: 2\r\nX: \xe9\r\n\r\nok", "ok"],
  ];
  for (const [text, body] of answers) {
    await using server = raw(async (connection, write) => {
      await readHead(connection);
      await write(text);
      connection.close();
    });
    assertEquals((await ask(`http://127.0.0.1:${server.port}/`)).body, body);
  }
});

Deno.test("exchange() bounds what it reads", async () => {
  await using endless = raw(async (connection, write) => {
    await readHead(connection);
    await write("HTTP/1.1 200 OK\r\n\r\n");
    while (true) await write("x".repeat(65_536));
  });
  assertEquals((await ask(`http://127.0.0.1:${endless.port}/`)).body.length, 16_384);
  await using headers = raw(async (connection, write) => {
    await readHead(connection);
    await write("HTTP/1.1 200 OK\r\n");
    while (true) await write(`X-${"x".repeat(1000)}: y\r\n`);
  });
  assertEquals((await failureOf(`http://127.0.0.1:${headers.port}/`)).why, "connection");
});

Deno.test("exchange() gives up a receiver that does not answer", async () => {
  await using silent = raw(async (connection) => {
    await readHead(connection);
  });
  const error = await failureOf(`http://127.0.0.1:${silent.port}/`, { deadlineMs: 50 });
  assertEquals(error.why, "timeout");
  const lookup = () => new Promise<string[]>(() => {});
  assertEquals((await failureOf("http://slow.test/", { lookup, deadlineMs: 50 })).why, "timeout");
});

Deno.test("exchange() gives up a receiver that says without end that it will answer", async () => {
  let saying = true;
  await using eager = raw(async (connection, write) => {
    await readHead(connection);
    while (saying) await write("HTTP/1.1 102 Processing\r\nX: y\r\n\r\n".repeat(100));
  });
  const error = await failureOf(`http://127.0.0.1:${eager.port}/`, { deadlineMs: 5000 });
  saying = false;
  assertEquals(error.why, "connection");
  await using patient = raw(async (connection, write) => {
    await readHead(connection);
    await write("HTTP/1.1 102 Processing\r\n\r\n".repeat(5));
    await write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  assertEquals((await ask(`http://127.0.0.1:${patient.port}/`)).body, "ok");
});

Deno.test("exchange() takes an answer whose body hangs for the answer that it is", async () => {
  await using hanging = raw(async (connection, write) => {
    await readHead(connection);
    await write("HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\nsome");
  });
  const answer = await ask(`http://127.0.0.1:${hanging.port}/`, { deadlineMs: 100 });
  assertEquals([answer.status, answer.body], [202, "some"]);
});

Deno.test("exchange() says that a receiver hung up or speaks something else", async () => {
  await using closing = raw(async (connection) => {
    await readHead(connection);
    connection.close();
  });
  assertEquals((await failureOf(`http://127.0.0.1:${closing.port}/`)).why, "connection");
  await using other = raw(async (connection, write) => {
    await write("220 mail.test ESMTP\r\n\r\n");
    connection.close();
  });
  assertEquals((await failureOf(`http://127.0.0.1:${other.port}/`)).why, "connection");
  await using malformed = raw(async (connection, write) => {
    await readHead(connection);
    await write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nnot a header\r\n\r\nok");
    connection.close();
  });
  assertEquals((await failureOf(`http://127.0.0.1:${malformed.port}/`)).why, "connection");
});

Deno.test("exchange() ends with the reason of its signal", async () => {
  const reason = new Error("the daemon stops");
  await using silent = raw(async (connection) => {
    await readHead(connection);
    stopping.abort(reason);
  });
  const stopping = new AbortController();
  const url = `http://127.0.0.1:${silent.port}/`;
  const thrown = await ask(url, { signal: stopping.signal }).catch((error) => error);
  assertEquals(thrown, reason);
  assertEquals(await ask(url, { signal: AbortSignal.abort(reason) }).catch((e) => e), reason);
});
