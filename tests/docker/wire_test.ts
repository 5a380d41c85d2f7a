import { assertEquals, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Failure } from "../../src/failure.ts";
import { decodeListing } from "../../src/docker/wire.ts";

const ID = "4436922b81f279c805577be23559a64191031c8c73c9cdddc5d0bc4f215bb052";

/** An element as Engine 20.10 sends it, with changes. */
function element(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    Id: ID,
    Names: ["/web"],
    Image: "nginx:1",
    ImageID: "sha256:70e7",
    Command: "nginx",
    Created: 1_700_000_000,
    Ports: [],
    Labels: {},
    State: "running",
    Status: "Up 3 minutes",
    HostConfig: { NetworkMode: "default" },
    NetworkSettings: { Networks: {} },
    Mounts: [],
    ...changes,
  };
}

function decode(changes: Record<string, unknown> = {}) {
  const [container] = decodeListing([element(changes)]);
  return container!;
}

function refused(body: unknown): string {
  const error = assertThrows(() => decodeListing(body), Failure);
  assertEquals(error.code, "engine-malformed");
  assertStringIncludes(error.message, "Cannot list containers: ");
  return error.message;
}

Deno.test("decodeListing() reads the fields that are needed", () => {
  assertEquals(
    decode({
      Labels: { a: "b" },
      Ports: [{ IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" }],
      Status: "Up 2 hours (healthy)",
    }),
    {
      id: ID,
      name: "web",
      image: "nginx:1",
      imageId: "sha256:70e7",
      state: "running",
      health: "healthy",
      exitCode: null,
      labels: { a: "b" },
      ports: [{ privatePort: 80, publicPort: 8080, hostIp: "0.0.0.0", protocol: "tcp" }],
      addresses: "{}",
      createdAt: 1_700_000_000,
    },
  );
});

Deno.test("decodeListing() reads a container's address in each network, the same in any order", () => {
  const addresses = (Networks: unknown) => decode({ NetworkSettings: { Networks } }).addresses;
  const bridge = { IPAddress: "172.17.0.2", GlobalIPv6Address: "fd00::2" };
  const six = { IPAddress: "", GlobalIPv6Address: "fd00::3" };
  assertEquals(addresses({ bridge, a: six }), '{"a":"fd00::3","bridge":"172.17.0.2"}');
  assertEquals(addresses({ a: six, bridge }), '{"a":"fd00::3","bridge":"172.17.0.2"}');
  // Host networking, and a container that does not run.
  assertEquals(addresses({ host: { IPAddress: "", GlobalIPv6Address: "" } }), '{"host":null}');
  assertEquals(addresses({ net: null }), '{"net":null}');
  for (const nothing of [{}, null, undefined]) assertEquals(addresses(nothing), "{}");
  assertEquals(decode({ NetworkSettings: null }).addresses, "{}");
  assertEquals(
    JSON.parse(addresses(JSON.parse('{"__proto__":{"IPAddress":"172.17.0.9"}}'))),
    JSON.parse('{"__proto__":"172.17.0.9"}'),
  );
});

Deno.test("decodeListing() takes a port that Podman publishes without an address for published everywhere", () => {
  const [port] =
    decode({ Ports: [{ IP: "", PrivatePort: 80, PublicPort: 8080, Type: "tcp" }] }).ports;
  assertEquals(port?.hostIp, "0.0.0.0");
  assertEquals(decode({ Ports: [{ IP: "::", PrivatePort: 80 }] }).ports[0]?.hostIp, null);
  assertEquals(decode({ ImageID: undefined }).imageId, null);
});

Deno.test("decodeListing() keeps the Engine's order and takes an empty list", () => {
  assertEquals(decodeListing([]), []);
  const ids = ["c", "a", "b"];
  assertEquals(decodeListing(ids.map((Id) => element({ Id }))).map(({ id }) => id), ids);
});

Deno.test("decodeListing() reuses the labels object", () => {
  const labels = { a: "b" };
  assertStrictEquals(decode({ Labels: labels }).labels, labels);
});

Deno.test("decodeListing() refuses a body that is no list", () => {
  assertStringIncludes(refused({ message: "x" }), "the answer is an object, not a list");
  assertStringIncludes(refused(null), "the answer is null");
  assertStringIncludes(refused("[]"), "the answer is a string");
});

Deno.test("decodeListing() says which container is wrong and how", () => {
  const good = element();
  assertStringIncludes(refused([good, 7]), "container 1 is a number, not an object");
  assertStringIncludes(refused([null]), "container 0 is null, not an object");
  assertStringIncludes(refused([[good]]), "container 0 is a list, not an object");
  assertStringIncludes(
    refused([good, good, good, element({ Id: undefined })]),
    'container 3 ("/web") has no Id',
  );
  assertStringIncludes(refused([element({ Id: "", Names: null })]), "container 0 has no Id");
  const named = `container 0 ("${ID.slice(0, 16)}…") has `;
  for (
    const [changes, complaint] of [
      [{ State: undefined }, "nothing for a State"],
      [{ State: "" }, "an empty string for a State"],
      [{ State: 1 }, "a number for a State"],
      [{ Created: "2026-01-01" }, "a string for Created, not whole seconds"],
      [{ Created: 1.5 }, "a number for Created, not whole seconds"],
      [{ Created: 1e300 }, "a number for Created, not whole seconds"],
      // As milliseconds: later than any date that the index could keep and read back.
      [{ Created: 1_700_000_000_000 }, "a number for Created, not whole seconds"],
      [{ Created: undefined }, "nothing for Created, not whole seconds"],
      [{ Image: 5 }, "a number for an Image"],
      [{ Status: {} }, "an object for a Status"],
      [{ Names: "web" }, "Names that are not a list of strings"],
      [{ Names: ["/web", 5] }, "Names that are not a list of strings"],
      [{ Labels: [] }, "Labels that are not strings by name"],
      [{ Labels: "a=b" }, "Labels that are not strings by name"],
      [{ Labels: { a: "b", c: 5 } }, "Labels that are not strings by name"],
      [{ Labels: { a: null } }, "Labels that are not strings by name"],
      [{ Ports: {} }, "Ports that are not a list of ports"],
      [{ Ports: [null] }, "Ports that are not a list of ports"],
      [{ Ports: [{ PrivatePort: "80" }] }, "Ports that are not a list of ports"],
      [{ Ports: [{ PrivatePort: 65536 }] }, "Ports that are not a list of ports"],
      [{ Ports: [{ PrivatePort: -1 }] }, "Ports that are not a list of ports"],
      [{ Ports: [{ PrivatePort: 80.5 }] }, "Ports that are not a list of ports"],
      [{ Ports: [{ PrivatePort: 80, PublicPort: "1" }] }, "Ports that are not a list of ports"],
      [{ Ports: [{ PrivatePort: 80, Type: 6 }] }, "Ports that are not a list of ports"],
      [{ Ports: [{ PrivatePort: 80, IP: 6 }] }, "Ports that are not a list of ports"],
      [{ ImageID: 6 }, "a number for an ImageID"],
      [{ NetworkSettings: "bridge" }, "NetworkSettings that are not networks by name"],
      [{ NetworkSettings: { Networks: [] } }, "NetworkSettings that are not networks by name"],
      [
        { NetworkSettings: { Networks: { net: { IPAddress: 6 } } } },
        "NetworkSettings that are not networks by name",
      ],
    ] as const
  ) {
    assertStringIncludes(refused([element(changes)]), named + complaint);
  }
});

Deno.test("decodeListing() refuses ids that no Engine makes", () => {
  for (const Id of ["-x", ".", "a/b", "a b", "a\0", "ä", "x".repeat(129), 5, {}, "a\n"]) {
    assertStringIncludes(refused([element({ Id, Names: [] })]), "has an invalid Id");
  }
  for (const Id of ["a", "x".repeat(128), "A_b.c-9", ID]) assertEquals(decode({ Id }).id, Id);
});

Deno.test("decodeListing() names a bad container without control characters", () => {
  const message = refused([element({ Id: "\x1b[2J\nx" })]);
  assertEquals(message.includes("\x1b"), false);
  assertEquals(message.includes("\n"), false);
});

Deno.test("decodeListing() takes the first name of the container's own", () => {
  assertEquals(decode({ Names: ["/b", "/a"] }).name, "b");
  assertEquals(decode({ Names: ["bare"] }).name, "bare");
  assertEquals(decode({ Names: [] }).name, "");
  assertEquals(decode({ Names: null }).name, "");
  // A legacy link adds a name below another container's.
  assertEquals(decode({ Names: ["/other/alias", "/web"] }).name, "web");
  assertEquals(decode({ Names: ["/web", "/other/alias"] }).name, "web");
  assertEquals(decode({ Names: ["/other/alias"] }).name, "other/alias");
});

Deno.test("decodeListing() makes name, image and state storable", () => {
  const container = decode({ Names: ["/a\0b"], Image: "i\ud800", State: "Odd\x07" });
  assertEquals(container.name, "a\ufffdb");
  assertEquals(container.image, "i\ufffd");
  assertEquals(container.state, "odd\ufffd");
  assertEquals(decode({ Names: ["/" + "n".repeat(10_000)] }).name.length, 1024);
});

Deno.test("decodeListing() gives an empty image where there is none", () => {
  assertEquals(decode({ Image: null }).image, "");
  assertEquals(decode({ Image: undefined }).image, "");
});

Deno.test("decodeListing() lower-cases the state and lets unknown ones pass", () => {
  for (
    const state of ["created", "restarting", "paused", "removing", "dead", "exited", "stopped"]
  ) {
    assertEquals(decode({ State: state }).state, state);
  }
  assertEquals(decode({ State: "Running" }).state, "running");
  assertEquals(decode({ State: "hibernating" }).state, "hibernating");
  assertEquals(decode({ State: "constructor" }).state, "constructor");
  assertEquals(decode({ State: "__proto__" }).state, "__proto__");
});

Deno.test("decodeListing() gives Podman's states Docker's words", () => {
  assertEquals(decode({ State: "configured" }).state, "created");
  assertEquals(decode({ State: "initialized" }).state, "created");
  assertEquals(decode({ State: "stopping", Status: "Stopping" }).state, "running");
});

Deno.test("decodeListing() reads health from the status text", () => {
  const of = (Status: string, Health?: unknown) => decode({ Status, Health }).health;
  assertEquals(of("Up 3 minutes (healthy)"), "healthy");
  assertEquals(of("Up About an hour (unhealthy)"), "unhealthy");
  assertEquals(of("Up Less than a second (health: starting)"), "starting");
  assertEquals(of("Up 3 minutes"), null);
  assertEquals(of("Up 3 minutes (Paused)"), null);
  assertEquals(of("Exited (0) 3 minutes ago"), null);
  assertEquals(of("Exited (1) (healthy)"), null);
  assertEquals(of(""), null);
});

Deno.test("decodeListing() prefers the health field of newer Engines", () => {
  const of = (Status: string, Health: unknown) => decode({ Status, Health }).health;
  assertEquals(
    of("Up 3 minutes (healthy)", { Status: "unhealthy", FailingStreak: 3 }),
    "unhealthy",
  );
  assertEquals(of("Up 3 minutes", { Status: "starting" }), "starting");
  assertEquals(of("Up 3 minutes", { Status: "none" }), null);
  assertEquals(of("Up 3 minutes (healthy)", { Status: "future word" }), "healthy");
  assertEquals(of("Up 3 minutes (healthy)", null), "healthy");
});

Deno.test("decodeListing() reads the exit code from the status text", () => {
  const of = (Status: string) => decode({ Status }).exitCode;
  assertEquals(of("Exited (137) 3 minutes ago"), 137);
  assertEquals(of("Exited (0) Less than a second ago"), 0);
  assertEquals(of("Exited (-1) 3 minutes ago"), -1);
  assertEquals(of("Exited (3221225786) 3 minutes ago"), 3221225786);
  assertEquals(of("Restarting (1) 5 seconds ago"), 1);
  for (const Status of ["Up 3 minutes", "Created", "Dead", "Removal In Progress", "Exited", ""]) {
    assertEquals(of(Status), null);
  }
  assertEquals(of("Exited (99999999999999999999) now"), null);
});

Deno.test("decodeListing() takes absent labels, ports and status", () => {
  const container = decode({ Labels: null, Ports: null, Status: undefined });
  assertEquals(container.labels, {});
  assertEquals(container.ports, []);
  assertEquals(decode({ Labels: undefined, Ports: undefined }).ports, []);
});

Deno.test("decodeListing() keeps hostile label names as plain data", () => {
  const body = JSON.parse(
    JSON.stringify([element()]).replace(
      '"Labels":{}',
      '"Labels":{"__proto__":"x","constructor":"y"}',
    ),
  );
  const { labels } = decodeListing(body)[0]!;
  assertEquals(Object.keys(labels), ["__proto__", "constructor"]);
  assertEquals(Object.getPrototypeOf(labels), Object.prototype);
});

Deno.test("decodeListing() keeps every port and tells what is not published", () => {
  const Ports = [
    { PrivatePort: 443, Type: "tcp" },
    { IP: "::", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
    { PrivatePort: 53, PublicPort: 0, Type: "UDP" },
    { PrivatePort: 99 },
  ];
  assertEquals(decode({ Ports }).ports, [
    { privatePort: 443, publicPort: null, hostIp: null, protocol: "tcp" },
    { privatePort: 80, publicPort: 8080, hostIp: "::", protocol: "tcp" },
    { privatePort: 53, publicPort: null, hostIp: null, protocol: "udp" },
    { privatePort: 99, publicPort: null, hostIp: null, protocol: "tcp" },
  ]);
});
