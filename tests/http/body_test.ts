import { createServer } from "node:http";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { chunksOf, othersTurn, readText } from "../../src/http/body.ts";
import { Deadline } from "../../src/http/deadline.ts";

/** A body of so many bytes that are all there at once. */
function body(bytes: number): ReadableStream<Uint8Array> {
  const chunk = new Uint8Array(64 * 1024).fill(0x61);
  let left = bytes;
  return new ReadableStream({
    type: "bytes",
    pull: (controller) => {
      if (left <= 0) controller.close();
      else controller.enqueue(chunk.slice(0, left));
      left -= chunk.length;
      if (left <= 0 && controller.byobRequest) controller.byobRequest.respond(0);
    },
  });
}

Deno.test("chunksOf() keeps a deadline though the body never pauses", async () => {
  using deadline = new Deadline(50, []);
  let read = 0;
  const error = await assertRejects(async () => {
    for await (const chunk of chunksOf(body(8_000_000_000), deadline.signal)) {
      read += chunk.length;
      // Long enough to know, and then it is a failure.
      if (read > 6_000_000_000) return;
    }
  });
  assertEquals((error as DOMException).name, "TimeoutError");
});

Deno.test("chunksOf() lets timers have their turn while it reads", async () => {
  const { signal } = new AbortController();
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const end = performance.now() + 300;
  for await (const _ of chunksOf(body(100_000_000_000), signal)) {
    if (performance.now() > end) break;
  }
  clearInterval(timer);
  assert(turns >= 4, `${turns} turns`);
});

Deno.test("readText() reads as much as the limit and no more", async () => {
  const { signal } = new AbortController();
  assertEquals((await readText(body(200_000), { signal, limit: 200_000 }))?.length, 200_000);
  assertEquals(await readText(body(200_001), { signal, limit: 200_000 }), null);
  assertEquals(await readText(null, { signal, limit: 1 }), "");
});

Deno.test("othersTurn() lets who connects be answered within a few turns, however much there is to do", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/s.sock`;
  const server = createServer((_, outgoing) => outgoing.end("ok"));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const visitor = new Worker(
    URL.createObjectURL(
      new Blob([`
        self.onmessage = async ({ data: path }) => {
          const connection = await Deno.connect({ transport: "unix", path });
          const request = "GET / HTTP/1.1\\r\\nhost: h\\r\\nconnection: close\\r\\n\\r\\n";
          await connection.write(new TextEncoder().encode(request));
          while (await connection.read(new Uint8Array(1000)) !== null);
          connection.close();
          self.postMessage("answered");
        };
        self.postMessage("ready");`], { type: "text/javascript" }),
    ),
    { type: "module" },
  );
  const said: string[] = [];
  visitor.onmessage = ({ data }) => void said.push(data);
  try {
    while (!said.includes("ready")) await new Promise((resolve) => setTimeout(resolve, 5));
    visitor.postMessage(path);
    let turns = 0;
    for (; !said.includes("answered") && turns < 500; turns++) {
      for (const end = performance.now() + 5; performance.now() < end;);
      await othersTurn();
    }
    // A thread's start and its messages need some of them.
    assert(turns < 30, `${turns} turns`);
  } finally {
    visitor.terminate();
    server.close();
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("othersTurn() comes between two that ask for it at once, also when a timer is late", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/s.sock`;
  let served = 0;
  const server = createServer((_, outgoing) => outgoing.end(`${served++}`));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const visitor = new Worker(
    URL.createObjectURL(
      new Blob([`
        self.onmessage = async ({ data: path }) => {
          const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
          for (;;) await (await fetch("http://127.0.0.1/", { client })).text();
        };
        self.postMessage("ready");`], { type: "text/javascript" }),
    ),
    { type: "module" },
  );
  const busy = (ms: number) => {
    for (const end = performance.now() + ms; performance.now() < end;);
  };
  let before = 0;
  let stretches = 0;
  let unbroken = 0;
  const stretch = () => {
    if (served === before) unbroken++;
    before = served;
    stretches++;
    busy(30);
  };
  /** From a timer on, as what waits for a moment runs. */
  const working = async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (let i = 0; i < 15; i++) {
      stretch();
      const turn = othersTurn();
      queueMicrotask(() => busy(5));
      await turn;
    }
  };
  try {
    await new Promise((resolve) => visitor.onmessage = resolve);
    visitor.postMessage(path);
    while (served < 10) await new Promise((resolve) => setTimeout(resolve, 5));
    await Promise.all([working(), working()]);
    assertEquals(stretches, 30);
    // A thread may not come to ask at once on a machine that is busy.
    assert(unbroken <= 3, `${unbroken} of ${stretches} stretches followed another`);
  } finally {
    visitor.terminate();
    server.closeAllConnections();
    server.close();
    await Deno.remove(directory, { recursive: true });
  }
});
