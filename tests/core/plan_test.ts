import { assertEquals } from "@std/assert";
import type { IndexRow, ListedContainer, ListedPort } from "../../src/model/container.ts";
import type { Change } from "../../src/model/pass.ts";
import { chosenPort, rowState } from "../../src/core/observe.ts";
import { container, everything, only, planned, row, workload } from "../harness/world.ts";
import { processorMs } from "../harness/processor_time.ts";

const shop = workload("stack", "shop");
const workloads = [shop];

/** A container of the shop with this role. */
function web(id: string, fields: Partial<ListedContainer> = {}): ListedContainer {
  return container({
    id,
    labels: { "tinyforge.workload.id": "w-shop", "tinyforge.workload.role": "web" },
    ...fields,
  });
}

const webRow = (fields: Partial<IndexRow> = {}) =>
  row({ id: "w-shop:web", role: "web", ...fields });

/** Changes in short: `op row from→to container`. */
function short(changes: readonly Change[]): string[] {
  return changes.map(({ op, row, from }) =>
    `${op} ${row.id} ${from}→${row.state} ${row.containerId}`
  );
}

Deno.test("plan() inserts a row for a container that has none", () => {
  const { changes, claimed } = planned(everything(web("c1", { health: "healthy" })), { workloads });
  assertEquals(changes, [{
    op: "insert",
    row: webRow({ health: "healthy" }),
    from: null,
  }]);
  assertEquals(claimed, 1);
});

Deno.test("plan() has no changes for a world that the index already shows", () => {
  assertEquals(planned(everything(web("c1")), { workloads, rows: [webRow()] }).changes, []);
});

Deno.test("plan() updates a row for every observed column that differs", () => {
  const differences: Partial<ListedContainer>[] = [
    { state: "paused" },
    { name: "renamed" },
    { image: "busybox:2" },
    { health: "unhealthy" },
    { state: "exited", exitCode: 137 },
    { createdAt: 1001 },
    { ports: [{ privatePort: 80, publicPort: null, hostIp: null, protocol: "tcp" }] },
    { addresses: '{"bridge":"172.17.0.2"}' },
    { imageId: "sha256:70e7" },
  ];
  for (const difference of differences) {
    const { changes } = planned(everything(web("c1", difference)), { workloads, rows: [webRow()] });
    assertEquals(changes.map((change) => change.op), ["update"], JSON.stringify(difference));
  }
});

Deno.test("plan() confirms a row that was not, though nothing else differs", () => {
  const rows = [webRow({ confirmed: false })];
  const { changes } = planned(everything(web("c1")), { workloads, rows });
  assertEquals(changes, [{ op: "update", row: webRow(), from: "running" }]);
});

Deno.test("plan() keeps an unhealthy container running", () => {
  const { changes } = planned(everything(web("c1", { health: "unhealthy" })), { workloads });
  assertEquals([changes[0]?.row.state, changes[0]?.row.health], ["running", "unhealthy"]);
});

Deno.test("plan() keeps a bound project row and gives it what Docker says", () => {
  const api = workload("project", "api");
  const deployers = row({
    id: "r-1",
    workloadId: "w-api",
    workloadKind: "project",
    role: "green",
    state: "pending",
    confirmed: false,
  });
  const listed = container({ id: "c1", labels: { "tinyforge.workload.id": "w-api" } });
  const { changes } = planned(everything(listed), { workloads: [api], rows: [deployers] });
  assertEquals(changes, [{
    op: "update",
    row: { ...deployers, state: "running", confirmed: true },
    from: "pending",
  }]);
});

Deno.test("plan() refuses a claim on a row of another workload", () => {
  const other = webRow({ workloadId: "w-other", containerId: "c9" });
  const { changes, refused } = planned(everything(web("c1"), web("c9", { labels: {} })), {
    workloads,
    rows: [other],
  });
  assertEquals(refused.map((r) => r.reason), ["workload-mismatch"]);
  assertEquals(changes.map(({ row }) => row), [
    { ...other, unclaimedReason: "unmanaged", unclaimedValue: "" },
  ]);
});

Deno.test("plan() counts what is unmanaged and names its Compose projects", () => {
  const { unmanaged, refused } = planned(everything(
    container({ id: "c1", labels: { "com.docker.compose.project": "zoo" } }),
    container({ id: "c2", labels: { "com.docker.compose.project": "bar" } }),
    container({ id: "c3", labels: { "com.docker.compose.project": "zoo" } }),
    container({ id: "c4" }),
  ));
  assertEquals(unmanaged, { count: 4, composeProjects: { bar: 1, zoo: 2 } });
  assertEquals(refused, []);
});

// Contention

/** Who gets the row when both are there, whatever the order of the listing. */
function winner(
  one: Partial<ListedContainer>,
  two: Partial<ListedContainer>,
  rows: IndexRow[] = [],
): string {
  const [a, b] = [web("c1", one), web("c2", two)];
  const results = [everything(a, b), everything(b, a)].map((listing) => {
    const { contended, changes } = planned(listing, { workloads, rows });
    assertEquals(contended.length, 1);
    assertEquals(changes.filter((c) => c.op === "insert" || c.op === "update").length <= 1, true);
    return contended[0]!;
  });
  assertEquals(results[0], results[1]);
  assertEquals(results[0]!.losers.length, 1);
  return results[0]!.winner;
}

Deno.test("plan() prefers running > paused, restarting > created > stopped > removing", () => {
  const order = ["running", "paused", "created", "exited", "removing", "from-the-future"];
  for (const [i, better] of order.entries()) {
    for (const worse of order.slice(i + 1)) {
      // The worse one has every tie-breaker on its side.
      const rows = [webRow({ containerId: "c2" })];
      assertEquals(
        winner({ state: better }, { state: worse, createdAt: 2000 }, rows),
        "c1",
        `${better} over ${worse}`,
      );
    }
  }
  assertEquals(winner({ state: "paused" }, { state: "restarting" }), "c2");
  assertEquals(winner({ state: "dead" }, { state: "exited" }), "c2");
});

Deno.test("plan() keeps the incumbent among containers of equal state", () => {
  const rows = [webRow({ containerId: "c1" })];
  assertEquals(winner({ createdAt: 1000 }, { createdAt: 2000 }, rows), "c1");
});

Deno.test("plan() prefers the newest, then the greatest id", () => {
  assertEquals(winner({ createdAt: 2000 }, { createdAt: 1000 }), "c1");
  assertEquals(winner({}, {}), "c2");
});

Deno.test("plan() gives the row to the replacement once the old container stopped", () => {
  const { changes, contended } = planned(
    everything(web("c1", { state: "exited", exitCode: 0 }), web("c2")),
    { workloads, rows: [webRow()] },
  );
  assertEquals(short(changes), ["update w-shop:web running→running c2"]);
  assertEquals(contended, [{ rowId: "w-shop:web", winner: "c2", losers: ["c1"] }]);
});

// State and port

Deno.test("rowState() folds the Engine's words", () => {
  const words = ["running", "exited", "dead", "stopped", "created", "restarting", "paused"];
  assertEquals(words.map(rowState), [
    "running",
    "stopped",
    "stopped",
    "stopped",
    "created",
    "restarting",
    "paused",
  ]);
  assertEquals(["removing", "hibernating"].map(rowState), ["removing", "hibernating"]);
});

Deno.test("chosenPort() is lowest published TCP, else lowest TCP, else lowest, else null", () => {
  const port = (privatePort: number, publicPort: number | null, protocol = "tcp"): ListedPort => ({
    privatePort,
    publicPort,
    hostIp: publicPort === null ? null : "0.0.0.0",
    protocol,
  });
  const chosen = (...ports: ListedPort[]) => chosenPort(ports)?.privatePort;
  assertEquals(chosen(port(80, null), port(9000, 32000), port(8080, 32001)), 8080);
  assertEquals(chosen(port(9000, null), port(8080, null), port(53, 53, "udp")), 8080);
  assertEquals(chosen(port(5000, null, "sctp"), port(53, 53, "udp")), 53);
  assertEquals(chosenPort([]), null);
});

Deno.test("chosenPort() takes IPv4 before IPv6, every address before one, the lowest port of the host", () => {
  const at = (hostIp: string, publicPort: number): ListedPort => ({
    privatePort: 80,
    publicPort,
    hostIp,
    protocol: "tcp",
  });
  const ports = [at("::", 100), at("127.0.0.1", 200), at("0.0.0.0", 400), at("0.0.0.0", 300)];
  for (const order of [ports, ports.toReversed()]) {
    const { hostIp, publicPort } = chosenPort(order)!;
    assertEquals([hostIp, publicPort], ["0.0.0.0", 300]);
  }
  assertEquals(chosenPort([at("::1", 9), at("10.0.0.1", 10)])!.hostIp, "10.0.0.1");
});

Deno.test("chosenPort() is the same in whatever order twenty ports come", () => {
  const ports: ListedPort[] = Array.from({ length: 20 }, (_, i) => ({
    privatePort: 1000 + i * 7 % 20,
    publicPort: i % 3 === 0 ? 30000 + i : null,
    hostIp: i % 3 === 0 ? ["::", "0.0.0.0", "127.0.0.1"][i % 9 / 3]! : null,
    protocol: ["tcp", "udp", "sctp"][i % 4 % 3]!,
  }));
  const expected = chosenPort(ports);
  for (let turn = 0; turn < ports.length; turn++) {
    const turned = [...ports.slice(turn), ...ports.slice(0, turn)];
    assertEquals(chosenPort(turned), expected);
    assertEquals(chosenPort(turned.toReversed()), expected);
  }
});

// Sweep

Deno.test("plan() sweeps a row whose container the listing lacks, and only its state", () => {
  const { changes } = planned(everything(), { workloads, rows: [webRow()] });
  assertEquals(changes, [{
    op: "sweep",
    row: webRow({ state: "missing", confirmed: false }),
    from: "running",
  }]);
});

Deno.test("plan() takes an empty listing for an answer like any other", () => {
  const rows = ["a", "b", "c"].map((id) => webRow({ id, containerId: `c-${id}` }));
  assertEquals(planned(everything(), { workloads, rows }).changes.map((c) => c.op), [
    "sweep",
    "sweep",
    "sweep",
  ]);
});

Deno.test("plan() does not sweep a row that was bound after the candidates were taken", () => {
  const rows = [webRow({ containerId: "bound-since", confirmed: false })];
  for (const candidates of [new Map(), new Map([["w-shop:web", "bound-before"]])]) {
    assertEquals(planned(everything(), { workloads, rows, candidates }).changes, []);
  }
});

Deno.test("plan() leaves a row to the container it was bound to since, though another claims it", () => {
  const rows = [webRow({ containerId: "bound-since", confirmed: false })];
  for (
    const [sweep, candidate] of [[true, ""], [true, "c1"], [false, ""], [false, "c1"]] as const
  ) {
    const candidates = new Map(candidate === "" ? [] : [["w-shop:web", candidate]]);
    const world = { workloads, rows, candidates, sweep };
    assertEquals(planned(everything(web("c1")), world).changes, []);
  }
  const before = new Map([["w-shop:web", "bound-since"]]);
  const { changes } = planned(everything(web("c1")), { workloads, rows, candidates: before });
  assertEquals(short(changes), ["update w-shop:web running→running c1"]);
});

Deno.test("plan() sweeps nothing unless told to, but the rows are confirmed no longer", () => {
  const { changes } = planned(everything(), { workloads, rows: [webRow()], sweep: false });
  assertEquals(short(changes), ["unconfirm w-shop:web running→running c1"]);
});

Deno.test("plan() does not sweep twice", () => {
  const rows = [webRow({ state: "missing", confirmed: false })];
  assertEquals(planned(everything(), { workloads, rows }).changes, []);
});

Deno.test("plan() lets a container that comes back be itself again", () => {
  const rows = [webRow({ state: "missing", confirmed: false })];
  const { changes } = planned(everything(web("c1")), { workloads, rows });
  assertEquals(changes, [{ op: "update", row: webRow(), from: "missing" }]);
});

Deno.test("plan() follows a bound container that is refused, and says why it has no claim", () => {
  const labels = { "tinyforge.workload.id": "forged" };
  const relabelled = web("c1", { labels, state: "exited", exitCode: 1 });
  const why = { unclaimedReason: "unknown-workload", unclaimedValue: "forged" };
  const { changes, refused, unclaimed } = planned(everything(relabelled), {
    workloads,
    rows: [webRow()],
  });
  const followed = webRow({ state: "stopped", exitCode: 1, ...why });
  assertEquals(changes, [{ op: "update", row: followed, from: "running" }]);
  assertEquals(unclaimed, [{
    rowId: "w-shop:web",
    containerId: "c1",
    containerName: "name-of-c1",
    reason: "unknown-workload",
    value: "forged",
  }]);
  assertEquals(refused, [{
    reason: "unknown-workload",
    containerId: "c1",
    containerName: "name-of-c1",
    value: "forged",
  }]);
  const again = planned(everything(relabelled), {
    workloads,
    rows: [followed],
  });
  assertEquals([again.changes, again.unclaimed], [[], unclaimed]);
  const back = planned(everything(web("c1")), { workloads, rows: [followed] });
  assertEquals(back.changes.map(({ row }) => row), [webRow()]);
});

Deno.test("plan() follows a deployer's row to a container without labels, or of another row", () => {
  const pending = (containerId: string) =>
    row({ id: "r-1", role: "green", state: "pending", containerId, confirmed: false });
  for (
    const [listed, reason, value] of [
      [container({ id: "c1" }), "unmanaged", ""],
      [
        container({ id: "c1", labels: { "com.docker.compose.project": "shop" } }),
        "other-row",
        "w-shop:name-of-c1",
      ],
    ] as const
  ) {
    const { changes } = planned(everything(listed), { workloads, rows: [pending("c1")] });
    const { row: r1 } = changes.find(({ row }) => row.id === "r-1")!;
    assertEquals(
      [r1.state, r1.role, r1.confirmed, r1.unclaimedReason, r1.unclaimedValue],
      ["running", "green", true, reason, value],
    );
  }
});

Deno.test("plan() of a partial listing follows a bound container that has no claim", () => {
  const stopped = container({ id: "c1", state: "exited", exitCode: 0 });
  const { changes } = planned(only(["c1"], stopped), { workloads, rows: [webRow()] });
  assertEquals(short(changes), ["update w-shop:web running→stopped c1"]);
  assertEquals(changes[0]!.row.unclaimedReason, "unmanaged");
});

/** A container of the shop without a role. */
const nameless = (id: string, name = "shop-web") =>
  container({ id, name, labels: { "tinyforge.workload.id": "w-shop" } });

Deno.test("plan() gives a container without a role the row of its name whose container is gone", () => {
  const was = row({ id: "w-shop:c1", containerName: "shop-web" });
  const { changes } = planned(everything(nameless("c2")), { workloads, rows: [was] });
  assertEquals(short(changes), ["update w-shop:c1 running→running c2"]);
  const missing = { ...was, state: "missing", confirmed: false };
  assertEquals(
    short(planned(everything(nameless("c2")), { workloads, rows: [missing] }).changes),
    ["update w-shop:c1 missing→running c2"],
  );
});

Deno.test("plan() leaves a name to the container that had it before, as long as it is there", () => {
  const was = row({ id: "w-shop:c1", containerName: "shop-web" });
  const renamed = nameless("c1", "shop-old");
  const { changes } = planned(everything(renamed, nameless("c2")), { workloads, rows: [was] });
  assertEquals(short(changes).sort(), [
    "insert w-shop:c2 null→running c2",
    "update w-shop:c1 running→running c1",
  ]);
  // What another Engine lacks may still be there.
  const other = planned(everything(nameless("c2")), { workloads, rows: [was], sweep: false });
  assertEquals(short(other.changes), [
    "insert w-shop:c2 null→running c2",
    "unconfirm w-shop:c1 running→running c1",
  ]);
});

Deno.test("plan() gives a free name to one of several, and the others rows of their own", () => {
  const was = row({ id: "w-shop:c1", containerName: "shop-web" });
  const { changes } = planned(everything(nameless("c2"), nameless("c3")), {
    workloads,
    rows: [was],
  });
  assertEquals(short(changes).sort(), [
    "insert w-shop:c2 null→running c2",
    "update w-shop:c1 running→running c3",
  ]);
});

Deno.test("plan() of a partial listing asks for the container whose name another has now", () => {
  const was = row({ id: "w-shop:c1", containerName: "shop-web" });
  const world = { workloads, rows: [was] };
  assertEquals([...planned(only(["c2"], nameless("c2")), world).undecided], ["c1"]);
  const { changes, undecided } = planned(only(["c1", "c2"], nameless("c2")), world);
  assertEquals([undecided.size, short(changes)], [0, ["update w-shop:c1 running→running c2"]]);
});

// Partial listings

Deno.test("plan() of a partial listing touches only rows of containers asked for", () => {
  const rows = [webRow(), row({ id: "w-shop:db", containerId: "c7", role: "db" })];
  const { changes, undecided } = planned(only(["c1"], web("c1", { state: "paused" })), {
    workloads,
    rows,
  });
  assertEquals(short(changes), ["update w-shop:web running→paused c1"]);
  assertEquals(undecided.size, 0);
});

Deno.test("plan() of a partial listing sweeps what was asked for and is not there", () => {
  const rows = [webRow(), row({ id: "w-shop:db", containerId: "c7", role: "db" })];
  const { changes } = planned(only(["c1", "never-seen"]), { workloads, rows });
  assertEquals(short(changes), ["sweep w-shop:web running→missing c1"]);
});

Deno.test("plan() of a partial listing asks for the container that has the row", () => {
  const { undecided } = planned(only(["c2"], web("c2")), { workloads, rows: [webRow()] });
  assertEquals([...undecided], ["c1"]);
  const gone = [webRow({ state: "missing", confirmed: false })];
  assertEquals(planned(only(["c2"], web("c2")), { workloads, rows: gone }).undecided.size, 0);
});

Deno.test("plan() of a partial listing asks for the containers that lost the row before", () => {
  const contenders = new Map([["w-shop:web", new Set(["c2", "c3"])]]);
  const { undecided } = planned(only(["c1"]), { workloads, rows: [webRow()], contenders });
  assertEquals([...undecided], ["c2", "c3"]);
});

Deno.test("plan() counts a container once that the Engine lists twice", () => {
  const { claimed, contended } = planned(everything(web("c1"), web("c1")), { workloads });
  assertEquals([claimed, contended.length], [1, 0]);
});

const IMAGE_ID = `sha256:${"70e7fb1c".repeat(8)}`;

Deno.test("plan() keeps the name that a container's image had when the name has moved on", () => {
  const listing = everything(web("c1", { image: IMAGE_ID }));
  assertEquals(planned(listing, { workloads, rows: [webRow()] }).changes, []);
  // What else changes does not bring the id in either.
  const stopped = everything(web("c1", { image: IMAGE_ID, state: "exited", exitCode: 0 }));
  const [change] = planned(stopped, { workloads, rows: [webRow()] }).changes;
  assertEquals([change?.row.state, change?.row.imageRef], ["stopped", "busybox:1"]);
});

Deno.test("plan() takes an image's id where no name of this container's is known", () => {
  for (
    const [rows, id] of [
      [[], "c1"],
      [[webRow({ imageRef: "" })], "c1"],
      [[webRow({ imageRef: "other" })], "c2"],
    ] as const
  ) {
    const listing = everything(web(id, { image: IMAGE_ID }));
    const [change] = planned(listing, { workloads, rows: [...rows] }).changes;
    assertEquals(change?.row.imageRef, IMAGE_ID);
  }
  // And a name that is told again.
  const rows = [webRow({ imageRef: IMAGE_ID })];
  const [named] = planned(everything(web("c1")), { workloads, rows }).changes;
  assertEquals(named?.row.imageRef, "busybox:1");
});

Deno.test("rowState() takes no word of the index's own from an Engine", () => {
  for (const word of ["missing", "pending", "removed", "absent", "retired", "completed"]) {
    assertEquals(rowState(word), `engine:${word}`);
    const { changes } = planned(everything(web("c1", { state: word })), {
      workloads,
      rows: [webRow()],
    });
    assertEquals(short(changes), [`update w-shop:web running→engine:${word} c1`]);
  }
  for (const word of ["running", "created", "paused", "restarting", "removing", "new word"]) {
    assertEquals(rowState(word), word);
  }
});

Deno.test("plan() takes no longer for each of many contenders for one row", () => {
  const containers = Array.from({ length: 30_000 }, (_, i) => web(`c${i}`, { createdAt: i }));
  const begin = processorMs();
  const { changes, contended } = planned(everything(...containers, containers[0]!), { workloads });
  const took = processorMs() - begin;
  assertEquals(short(changes), ["insert w-shop:web null→running c29999"]);
  assertEquals(contended[0]?.losers.length, 29_999);
  // A tenth of a second; it was four seconds and more.
  assertEquals(took < 1500, true, `${Math.round(took)} ms`);
});
