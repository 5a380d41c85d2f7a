import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { Failure } from "../../src/failure.ts";
import { Deadline } from "../../src/http/deadline.ts";
import { ListingReader } from "../../src/docker/listing.ts";
import { decodeListing } from "../../src/docker/wire.ts";
import { processorMs } from "../harness/processor_time.ts";

/** Reads `body` as an answer that comes in chunks of this many bytes. */
async function read(reader: ListingReader, body: string, chunk = 100): Promise<unknown> {
  const bytes = new TextEncoder().encode(body);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < bytes.length; at += chunk) parts.push(bytes.slice(at, at + chunk));
  using deadline = new Deadline(10_000, []);
  return await reader.read(new Response(ReadableStream.from(parts)), {
    purpose: "list",
    deadline,
  });
}

/** What reading gives, or what it fails with. */
async function outcome(reader: ListingReader, body: string, chunk: number): Promise<unknown> {
  try {
    return await read(reader, body, chunk);
  } catch (error) {
    return `${(error as Failure).code}: ${(error as Error).message}`;
  }
}

/** The same of the whole body at once. */
function whole(body: string): unknown {
  try {
    return decodeListing(JSON.parse(body), { endpoint: "list" });
  } catch (error) {
    return error instanceof Failure ? `${error.code}: ${error.message}` : "not JSON";
  }
}

/** Text that would end a piece if it stood where a container begins. */
const TRAP = '},{"Id":"0';

const containers = fc.array(
  fc.record({
    Id: fc.string({ unit: fc.constantFrom("0", "1", "a", "f"), minLength: 1, maxLength: 64 }),
    Names: fc.array(fc.constantFrom("/web", `/${TRAP}`, "/\u{1f388}"), { maxLength: 2 }),
    Image: fc.constantFrom("busybox", TRAP),
    State: fc.constantFrom("running", "exited"),
    Created: fc.constant(1000),
    Labels: fc.dictionary(fc.constantFrom("a", TRAP), fc.constantFrom("b", TRAP, "]")),
    Nested: fc.constantFrom(null, [{ x: 1 }, { Id: "0" }, { Id: "00" }]),
  }),
  { maxLength: 12 },
);

Deno.test("ListingReader reads listings that come at the same time apart from each other", async () => {
  const body = (prefix: string) =>
    JSON.stringify(Array.from({ length: 40 }, (_, i) => ({
      Id: `0${prefix}${i}`,
      Names: ["/web"],
      Image: "busybox",
      State: "running",
      Created: 1000,
    })));
  const reader = new ListingReader();
  await read(reader, body("a"));
  const bodies = ["a", "b", "a", "c"].map(body);
  const listings = await Promise.all(bodies.map((each, i) => read(reader, each, 50 + i)));
  assertEquals(listings, bodies.map(whole));
  // What came meanwhile is not taken for the last one.
  assertStrictEquals(await read(reader, body("a")), listings[0]);
});

Deno.test("ListingReader reads in pieces what decodeListing() reads in one", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(containers, { minLength: 1, maxLength: 4 }),
    fc.integer({ min: 1, max: 300 }),
    async (listings, chunk) => {
      // One reader for all: what it remembers of one listing must not show in the next.
      const reader = new ListingReader();
      for (const listing of listings) {
        const body = JSON.stringify(listing);
        assertEquals(await outcome(reader, body, chunk), whole(body));
      }
    },
  ));
});

/** Containers as an Engine tells of them, a few of whose ids begin a piece. */
const told = fc.record({
  Id: fc.tuple(fc.constantFrom("0", "0", "a"), fc.integer({ min: 0, max: 30 }))
    .map(([first, n]) => `${first}${n}`.padEnd(64, "f")),
  Image: fc.constantFrom("busybox", "b\u00fcsybox", TRAP),
  State: fc.constantFrom("running", "exited"),
  Created: fc.constant(1000),
});

Deno.test("ListingReader reads what came, went and changed since, however it is cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(told, { maxLength: 24, selector: ({ Id }) => Id }),
      fc.array(fc.tuple(fc.nat(24), fc.option(told), fc.nat(1), fc.integer({ min: 1, max: 700 })), {
        maxLength: 8,
      }),
      async (listing, steps) => {
        const reader = new ListingReader();
        let last = await read(reader, JSON.stringify(listing));
        for (const [at, container, replaced, chunk] of steps) {
          listing.splice(at, replaced, ...container === null ? [] : [container]);
          const body = JSON.stringify(listing);
          const found = await read(reader, body, chunk);
          assertEquals(found, whole(body));
          assertStrictEquals(await read(reader, body, 700 - chunk + 1), found);
          if (JSON.stringify(found) === JSON.stringify(last)) assertStrictEquals(found, last);
          last = found;
        }
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("ListingReader gives the very list again that an Engine told before", async () => {
  const reader = new ListingReader();
  const listing = Array.from({ length: 100 }, (_, i) => ({
    Id: `${i % 5 === 0 ? "0" : "a"}${i}`.padEnd(64, "f"),
    State: "running",
    Created: 1,
  }));
  const body = JSON.stringify(listing);
  const before = await read(reader, body);
  for (const chunk of [1, 7, 64, 1000, body.length]) {
    assertStrictEquals(await read(reader, body, chunk), before);
  }
  await assertRejects(() => read(reader, body.slice(0, -1)), Failure);
  assertEquals(await read(reader, body), before);
});

Deno.test("ListingReader gives the very list again where other words tell of the same", async () => {
  const reader = new ListingReader();
  const body = (status: (i: number) => string) =>
    JSON.stringify(Array.from({ length: 40 }, (_, i) => ({
      Id: `${i % 5 === 0 ? "0" : "a"}${i}`.padEnd(64, "f"),
      State: "running",
      Status: status(i),
      Created: 1,
    })));
  const before = await read(reader, body(() => "Up 59 seconds")) as unknown[];
  const minute = (i: number) => i % 7 === 0 ? "Up About a minute" : "Up 59 seconds";
  assertStrictEquals(await read(reader, body(minute)), before);
  assertStrictEquals(await read(reader, body(() => "Up About a minute")), before);
  const ill = (i: number) => i === 23 ? "Up 2 minutes (unhealthy)" : "Up 2 minutes";
  const after = await read(reader, body(ill)) as unknown[];
  assertEquals(after, whole(body(ill)));
  assertEquals(after.flatMap((container, i) => container === before[i] ? [] : i), [
    ...[20, 21, 22, 23, 24],
  ], "only the piece of the one that says something else is another");
});

Deno.test("ListingReader refuses what JSON.parse() refuses, wherever it is cut", async () => {
  const good = JSON.stringify(
    Array.from({ length: 6 }, (_, i) => ({ Id: `0${i}`, State: "running", Created: 1 })),
  );
  const reader = new ListingReader();
  await read(reader, good);
  const bad = [
    ...Array.from({ length: good.length - 1 }, (_, end) => good.slice(0, end)),
    `${good}x`,
    `${good},{"Id":"07","State":"running","Created":1}]`,
    good.replace('},{"Id":"03"', '}],[{"Id":"03"'),
    good.replace('},{"Id":"03"', '},,{"Id":"03"'),
    good.replace('},{"Id":"03"', '}{"Id":"03"'),
  ];
  for (const body of bad) {
    // Each after a good one: what can't be read is forgotten, and then nothing is known again.
    await read(reader, good);
    await assertRejects(() => read(reader, body), Failure, undefined, body);
  }
  assertEquals(await read(reader, good), whole(good));
});

Deno.test("ListingReader says which container is wrong, counted in the whole listing", async () => {
  const listing = Array.from(
    { length: 6 },
    (_, i) => ({ Id: `0${i}`, State: "running" as unknown, Created: 1 }),
  );
  listing[4]!.State = 7;
  const body = JSON.stringify(listing);
  assertEquals(await outcome(new ListingReader(), body, 50), whole(body));
});

Deno.test("ListingReader reads anew only what is told in other words", async () => {
  const reader = new ListingReader();
  const listing = ["1a", "0b", "0c"].map((Id) => ({ Id, State: "running", Created: 1 }));
  const before = await read(reader, JSON.stringify(listing)) as unknown[];
  listing[1]!.State = "exited";
  const after = await read(reader, JSON.stringify(listing)) as unknown[];
  assertStrictEquals(after[0], before[0]);
  assertEquals(after[1], { ...before[1] as object, state: "exited" });
  assertStrictEquals(after[2], before[2]);
});

/** One container, with more of a label than any chunk holds. */
function withLabel(length: number): string {
  const Labels = { label: "x".repeat(length) };
  return JSON.stringify([{ Id: "0a", State: "running", Created: 1, Labels }]);
}

for (
  const [what, body] of [
    ["one container has a label of 30 MB", withLabel(30_000_000)],
    [
      "no container begins with its id",
      JSON.stringify(Array.from({ length: 20_000 }, (_, i) => ({
        State: "running",
        Id: `0${i}`,
        Created: 1,
        Labels: { label: "x".repeat(1000) },
      }))),
    ],
    [
      "the JSON has spaces",
      JSON.stringify(
        Array.from({ length: 20_000 }, (_, i) => ({
          Id: `0${i}`,
          State: "running",
          Created: 1,
          Labels: { label: "x".repeat(1000) },
        })),
        null,
        1,
      ),
    ],
  ] as const
) {
  Deno.test(`ListingReader takes no longer for each byte where ${what}`, async () => {
    // Each character looked at once: a few hundred milliseconds, and not several seconds.
    const begin = processorMs();
    const found = await read(new ListingReader(), body, 16 * 1024) as unknown[];
    const took = processorMs() - begin;
    assert(found.length > 0);
    assert(took < 2000, `${Math.round(took)} ms`);
  });
}

Deno.test("ListingReader cuts no further once a piece is no list of containers", async () => {
  // Each of these would end a piece, and be parsed in vain.
  const body = `[{${TRAP.repeat(1_000_000)}`;
  const begin = processorMs();
  await assertRejects(() => read(new ListingReader(), body, 64 * 1024), Failure);
  const took = processorMs() - begin;
  assert(took < 2000, `${Math.round(took)} ms`);
});
