/**
 * A host as people have them, written into a store: what the pages are looked at with. Every state,
 * long names, problems of several kinds.
 *
 * @module
 */

import type { IndexRow } from "../../src/model/container.ts";
import type { Problem } from "../../src/model/problem.ts";
import type { WorkloadKind } from "../../src/model/workload.ts";
import type { Store } from "../../src/store/store.ts";
import { problem, writeProblems } from "../harness/problems.ts";
import { observed, passWrites, type TempServer } from "../harness/temp_server.ts";

// After the harness, which says where its library is.
const { Database } = await import("@db/sqlite");

/** A row in short: name, image, state and what else is not as usual. */
type Short = readonly [role: string, image: string, state: string, fields?: Partial<IndexRow>];

interface Told {
  readonly kind: WorkloadKind;
  readonly name: string;
  readonly domain?: string;
  readonly rows: readonly Short[];
}

const STACKS: readonly Told[] = [
  {
    kind: "stack",
    name: "shop",
    rows: [
      ["web", "registry.example/shop/web:2024.11.3", "running", {
        health: "healthy",
        port: 8080,
        hostPort: 8080,
        hostIp: "0.0.0.0",
      }],
      ["worker", "registry.example/shop/worker:2024.11.3", "running", { port: 0 }],
      ["worker:2", "registry.example/shop/worker:2024.11.3", "restarting", { port: 0, replica: 2 }],
      ["db", "postgres:17.2-alpine", "running", { health: "healthy", port: 5432 }],
      ["cache", "valkey/valkey:8", "missing", { port: 6379 }],
      ["migrate", "registry.example/shop/web:2024.11.3", "completed", { exitCode: 0, port: 0 }],
    ],
  },
  {
    kind: "stack",
    name: "monitoring",
    rows: [
      ["prometheus", "prom/prometheus:v3.0.1", "running", {
        port: 9090,
        hostPort: 9090,
        hostIp: "127.0.0.1",
      }],
      ["grafana", "grafana/grafana-oss:11.4.0", "running", {
        health: "unhealthy",
        port: 3000,
        hostPort: 3000,
        hostIp: "0.0.0.0",
      }],
      ["node-exporter", "quay.io/prometheus/node-exporter:v1.8.2", "running", { port: 9100 }],
      ["loki", "grafana/loki:3.3.1", "stopped", { exitCode: 137, port: 3100 }],
    ],
  },
  {
    kind: "stack",
    name: "photos",
    rows: [
      ["server", "ghcr.io/immich-app/immich-server:v1.123.0", "running", {
        health: "starting",
        port: 2283,
        hostPort: 2283,
        hostIp: "0.0.0.0",
      }],
      [
        "machine-learning",
        "ghcr.io/immich-app/immich-machine-learning:v1.123.0-openvino",
        "paused",
        {
          port: 3003,
        },
      ],
      ["database", "docker.io/tensorchord/pgvecto-rs:pg14-v0.2.0", "running", {
        health: "healthy",
        port: 5432,
      }],
    ],
  },
  {
    kind: "project",
    name: "handbook",
    rows: [
      ["production-1", "registry.example/handbook:main-7f3c2aa", "running", {
        health: "healthy",
        port: 3000,
      }],
      [
        "preview-feature-a-name-that-somebody-made-rather-long-1",
        "registry.example/handbook@sha256:4f1c7d0e1b5f6a7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e",
        "created",
        {
          port: 3000,
        },
      ],
    ],
  },
  {
    kind: "site",
    name: "blog",
    domain: "blog.example.org",
    rows: [["", "nginx:1.27-alpine", "running", { port: 80, hostPort: 8081, hostIp: "0.0.0.0" }]],
  },
  {
    kind: "site",
    name: "vaultwarden",
    domain: "vault.example.org",
    rows: [["", "vaultwarden/server:1.32.5", "running", { health: "healthy", port: 80 }]],
  },
];

/** What the scene made: ids by the names that tests use. */
export interface Scene {
  /** Workload ids by name. */
  readonly workloads: Readonly<Record<string, string>>;
  /** Row ids by `workload/role`. */
  readonly rows: Readonly<Record<string, string>>;
}

/** Writes the scene; `now` in milliseconds is when the last pass was. */
export function setScene(store: Store, now: number): Scene {
  const workloads: Record<string, string> = {};
  const ids: Record<string, string> = {};
  const rows: IndexRow[] = [];
  for (const { kind, name, domain, rows: short } of STACKS) {
    const { entry } = store.registry.create(kind, {
      name,
      ...(kind === "stack" && { composeProjectName: name }),
      ...(domain !== undefined && { domain }),
    });
    workloads[name] = entry.workloadId;
    for (const [role, imageRef, state, fields] of short) {
      const place = role === "" ? "site" : role;
      const id = `${entry.workloadId}:${place}`;
      ids[`${name}/${role}`] = id;
      rows.push(observed({
        id,
        workloadId: entry.workloadId,
        workloadKind: kind,
        role: role.split(":")[0]!,
        containerId: hex(id),
        containerName: role === ""
          ? name
          : `${name}-${role.replace(":", "-")}${role.includes(":") ? "" : "-1"}`,
        imageRef,
        imageId: `sha256:${hex(imageRef)}`,
        state,
        createdAtEngine: Math.floor(now / 1000) - 3 * 86_400,
        addresses: JSON.stringify({
          [`${name}_default`]: state === "running" ? "172.20.0.4" : null,
        }),
        ...fields,
      }));
    }
  }
  live(store, { rows, ids, now });
  previews(store);
  writeProblems(store, ...problems(workloads, ids, now));
  return { workloads, rows: ids };
}

/** Writes the row at `workload/role` anew, in another state. */
export function change(store: Store, scene: Scene, place: string, state: string): void {
  const { confirmed: _, ...row } = store.containers.index().row(scene.rows[place]!)!;
  passWrites(store, [{ ...row, confirmed: true, state }], {
    at: new Date().toISOString(),
    op: "update",
  });
}

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/** When nobody watched, minutes ago. */
const UNWATCHED: readonly (readonly [from: number, to: number])[] = [
  [13 * 1440, 13 * 1440 - 190],
  [4 * 1440, 4 * 1440 - 25],
];

/** What was before a row came to its state, oldest first: minutes ago, and the state until the next. */
const BEFORE: Readonly<Record<string, readonly (readonly [ago: number, state: string])[]>> = {
  "shop/web": [
    [26 * 1440, "running"],
    [9 * 1440, "restarting"],
    [9 * 1440 - 4, "running"],
    [
      41 * 60,
      "stopped",
    ],
    [40 * 60, "running"],
    [305, "missing"],
    [270, "running"],
  ],
  "shop/worker": [[26 * 1440, "running"]],
  "shop/worker:2": [[26 * 1440, "running"], [47, "restarting"]],
  "shop/db": [[26 * 1440, "running"], [20 * 1440, "missing"], [20 * 1440 - 95, "running"]],
  "shop/cache": [[26 * 1440, "running"], [3 * 1440, "stopped"], [3 * 1440 - 30, "running"], [
    12,
    "missing",
  ]],
  "shop/migrate": [[26 * 1440, "running"], [26 * 1440 - 1, "completed"]],
  "monitoring/loki": [[18 * 1440, "running"], [2 * 1440, "stopped"]],
  "photos/machine-learning": [[22 * 1440, "running"], [26 * 60, "paused"]],
  "blog/": [[11 * 1440, "running"], [300, "stopped"], [280, "running"]],
};

/** Writes the rows as they came to be what they are, and when somebody watched. */
function live(
  store: Store,
  { rows, ids, now }: {
    rows: readonly IndexRow[];
    ids: Readonly<Record<string, string>>;
    now: number;
  },
): void {
  const places = new Map(Object.entries(ids).map(([place, id]) => [id, place]));
  const written = rows.flatMap((row, i) => {
    const before = BEFORE[places.get(row.id)!] ?? [[(19 + i % 7) * 1440 + i * 37, row.state]];
    return before.map(([ago, state], at) => ({
      at: now - ago * MINUTE,
      op: at === 0 ? "insert" as const : "update" as const,
      row: { ...row, state, ...(state === "running" && { exitCode: null }) },
    }));
  }).sort((a, b) => a.at - b.at);
  for (const { at, op, row } of written) {
    passWrites(store, [row], { at: new Date(at).toISOString(), op });
  }
  passWrites(store, [], { at: new Date(now).toISOString() });
  const ends = UNWATCHED.map(([from, to]) => [now - from * MINUTE, now - to * MINUTE] as const);
  let since = now - 27 * DAY;
  const db = new Database(store.path);
  // The store keeps its own time of that.
  for (const { at, row } of written) {
    db.exec("UPDATE containers SET state_since = ? WHERE id = ?", text(at), row.id);
  }
  // As thousands of passes would have left it, which nobody wants to wait for.
  db.exec("DELETE FROM watched");
  for (const [from, to] of ends) {
    db.exec("INSERT INTO watched (began_at, ended_at) VALUES (?, ?)", text(since), text(from));
    since = to;
  }
  db.exec("UPDATE hosts SET watching_since = ?", text(since));
  db.close();
}

function text(ms: number): string {
  return new Date(ms).toISOString();
}

/** Writes what Settings shows: channels of every kind, rules, a silence, tokens. */
export async function furnish({ send, store }: TempServer, scene: Scene): Promise<void> {
  const made = async (path: string, body: unknown) => {
    const answer = await send("POST", path, body);
    if (answer.status !== 201) throw new Error(`${path} ${answer.status}: ${await answer.text()}`);
    return await answer.json();
  };
  const mail = await made("/api/channels", {
    name: "mail-to-everybody-who-is-on-call-this-week",
    url: "https://mail.example.org/hooks/tinyforge",
  });
  const ops = await made("/api/channels", {
    name: "ops",
    url: "https://hooks.example.org/ops",
    fallback: mail.id,
  });
  await made("/api/channels", { name: "phone", url: "https://push.example.org/me" });
  const { shop, photos } = scene.workloads;
  await made("/api/rules", {
    workloads: [shop, photos],
    kinds: ["crash-loop", "oom", "unhealthy", "backup-failed"],
    minSeverity: "low",
    channels: [ops.id, mail.id],
    remindAfterMinutes: 240,
  });
  await made("/api/silences", {
    scope: "workload",
    target: photos,
    seconds: 7200,
    reason: "The disks are being replaced; back on Monday",
  });
  await made("/api/tokens", { name: "prometheus", role: "metrics" });
  await made("/api/tokens", {
    name: "deployer-of-the-continuous-integration",
    role: "deploy",
    expiresAt: text(Date.now() + 90 * DAY),
  });
  store.channels.setHealth(ops.id, {
    state: "broken",
    reason: "404 Not Found: no such hook",
    since: Date.now() - 3 * 3_600_000,
    failingSince: Date.now() - 4 * 3_600_000,
    failures: 9,
    notBefore: 0,
  });
}

/** Pages, and what is on them once they are whole. */
export function pagesOf({ workloads, rows }: Scene): [path: string, whole: string][] {
  return [
    ["/", ".facts-list"],
    [`/containers?row=${encodeURIComponent(rows["shop/web"]!)}`, ".known .story"],
    ["/containers?group=workload&state=running,missing&q=o", "tr.group"],
    ["/containers?q=nothing-has-this-name", ".notice"],
    [`/workloads/${workloads["shop"]}`, ".story .entry"],
    [`/workloads/${workloads["handbook"]}`, ".story .entry"],
    ["/workloads/of-nobody", ".notice"],
    ["/add", ".kinds"],
    ["/history?span=all", "main section, main .notice:not(.loading)"],
    ["/history?what=audit", "main section, main .notice:not(.loading)"],
    ["/settings", "main section:last-of-type"],
    ["/no-such-page", ".notice"],
  ];
}

/** A stage for good, and one for a branch, which has a URL. */
function previews(store: Store): void {
  const project = store.registry.named("project", "handbook")!;
  store.stages.create(project.id, { name: "production", maxInstances: 2 });
  const preview = store.stages.create(project.id, {
    name: "feature-search",
    preview: true,
    branch: "feature/search",
  });
  store.deployed.saveDeployedContainer({
    workloadId: project.workloadId,
    role: "feature-search",
    stageId: preview.id,
    subdomain: "feature-search.handbook.example.org",
  });
}

function problems(
  workloads: Readonly<Record<string, string>>,
  ids: Readonly<Record<string, string>>,
  now: number,
): Problem[] {
  const minute = 60_000;
  const of = (
    place: string,
    kind: Problem["kind"],
    fields: Partial<Problem> & Pick<Problem, "do">,
  ): Problem => {
    const [workload = ""] = place.split("/");
    const rowId = ids[place] ?? null;
    const since = fields.since ?? now - 12 * minute;
    return problem({
      kind,
      workloadId: workloads[workload] ?? null,
      rowId,
      containerId: hex(rowId ?? ""),
      containerName: place.replace("/", "-").replace(":", "-"),
      since,
      openedAt: since + minute,
      ...fields,
    });
  };
  return [
    of("shop/cache", "missing", {
      do: {
        code: "bring-back",
        workloadId: workloads["shop"]!,
        rowId: ids["shop/cache"]!,
      },
      evidence: { state: "missing", how: "stop" },
    }),
    of("shop/worker:2", "crash-loop", {
      since: now - 47 * minute,
      do: { code: "read-log", container: "shop-worker-2" },
      evidence: {
        state: "restarting",
        count: 9,
        exitCode: 1,
        how: "crash",
        inspected: {
          error: "",
          oomKilled: false,
          restartCount: 9,
          restartPolicy: "unless-stopped",
          healthOutput: null,
        },
      },
    }),
    of("monitoring/grafana", "unhealthy", {
      since: now - 3 * 3_600_000,
      do: { code: "read-health", container: "monitoring-grafana-1" },
      evidence: {
        state: "running",
        health: "unhealthy",
        inspected: {
          error: "",
          oomKilled: false,
          restartCount: 0,
          restartPolicy: "always",
          healthOutput:
            "  % Total    % Received % Xferd  Average Speed\ncurl: (22) The requested URL returned error: 503 Service Unavailable",
        },
      },
    }),
    of("photos/machine-learning", "stuck", {
      severity: "low",
      since: now - 26 * 3_600_000,
      do: { code: "unpause", container: "photos-machine-learning-1" },
      evidence: { state: "paused" },
    }),
    of("photos/server", "unhealthy", {
      status: "holding",
      since: now - minute / 2,
      openedAt: null,
      dueAt: now + minute / 2,
      do: { code: "read-health", container: "photos-server-1" },
    }),
    of("blog/", "crashed", {
      status: "closed",
      since: now - 300 * minute,
      closedAt: now - 280 * minute,
      outcome: "recovered",
      do: { code: "read-log", container: "blog" },
    }),
  ];
}

/** Something that looks like an id, the same for the same text. */
function hex(text: string): string {
  let hash = 0x811c9dc5;
  let out = "";
  for (let i = 0; out.length < 64; i++) {
    hash = Math.imul(hash ^ (text.charCodeAt(i % (text.length || 1)) || i), 0x01000193) >>> 0;
    out += hash.toString(16).padStart(8, "0");
  }
  return out.slice(0, 64);
}
