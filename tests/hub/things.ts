/** What hosts tell of beside rows. @module */

/** A problem that is open, with `changes`. */
export const toldProblem = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  ...{ key: "missing:a", kind: "missing", severity: "high", status: "open", workloadId: "w" },
  ...{ rowId: "a", containerId: null, containerName: "", since: 1000, dueAt: null },
  ...{ openedAt: 61_000, closedAt: null, outcome: null, evidence: { state: "missing" } },
  ...{ do: { code: "bring-back", workloadId: "w", rowId: "a" }, batch: null },
  ...{ muted: false, silenced: false, ...changes },
});

/** That row `a` of workload `w1` crashed, with `changes`. */
export const toldCrash = (changes: Record<string, unknown> = {}): Record<string, unknown> =>
  toldProblem({
    ...{ key: "crashed:a", kind: "crashed", workloadId: "w1", evidence: { exitCode: 3 } },
    ...{ do: { code: "explain", rowId: "a" }, ...changes },
  });

/** What makes a problem one that is over. */
export const recovered = (closedAt: number): Record<string, unknown> => ({
  ...{ status: "closed", closedAt, outcome: "recovered" },
});

/** A transition of row `a`, with `changes`. */
export const happening = (
  seq: number,
  changes: Record<string, unknown> = {},
): Record<string, unknown> => ({
  ...{ seq, rowId: "a", at: `2026-01-01T00:00:0${seq % 10}.000Z`, from: null, to: "running" },
  ...{ cause: "event", containerId: "c", containerName: "shop-web-1", imageRef: "nginx:1" },
  ...{ exitCode: null, origin: { by: "listing", at: "2026-01-01T00:00:00.000Z" } },
  ...{ workloadId: "w", workloadKind: "project", workloadName: "shop", role: "web", replica: 1 },
  ...changes,
});

/** A project that nothing is expected of, with `changes`. */
export const workload = (
  id: string,
  changes: Record<string, unknown> = {},
): Record<string, unknown> => ({
  ...{ id, kind: "project", refId: `p-${id}`, name: id, expectations: [], ...changes },
});
