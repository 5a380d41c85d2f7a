/**
 * What runs unmanaged, grouped into what could be registered. A listing is all it needs; pure, and
 * it knows no commands: what a candidate is taken in with, a surface makes of its name.
 *
 * @module
 */

import type { ListedContainer } from "../model/container.ts";
import { type RefusalReason, UNREGISTERED } from "../model/pass.ts";
import type { WorkloadKind } from "../model/workload.ts";
import { clip } from "../text.ts";
import { foldName } from "./names.ts";
import {
  FOREIGN_LABEL,
  labelText,
  type LeftOutReason,
  nameFrom,
  recognize,
  type RecognizedBy,
  type StackPart,
} from "./recognize.ts";

/** What discovery is told of a listing. */
export interface DiscoverOptions {
  /** Why dispatch gives the container no row; null when it has one. */
  refusal(container: ListedContainer): RefusalReason | null;
  /** Whether a workload of that kind has this name, in whatever case. */
  isTaken(kind: WorkloadKind, name: string): boolean;
  /** Whether a site claims this container name. */
  isClaimed(containerName: string): boolean;
}

/** Something that could be registered. */
export interface Candidate {
  /** Name that is free and that the registry takes. */
  readonly name: string;
  /** What it would be registered as. */
  readonly kind: "stack" | "site";
  /** By what it was recognized. */
  readonly by: RecognizedBy;
  /** How its containers are claimed, once it is registered. */
  readonly claim: Claiming;
  /** Its containers, ordered by role, replica and name. */
  readonly containers: readonly CandidateContainer[];
  /** What a person should know before. */
  readonly notes: readonly Note[];
}

/** By what a candidate's containers are claimed. */
export type Claiming =
  | { readonly by: "compose"; readonly project: string; readonly files: ComposeFiles }
  | { readonly by: "swarm"; readonly namespace: string }
  | { readonly by: "name"; readonly containerName: string };

/** Where a Compose project came from, as its labels say; nobody has looked. */
export interface ComposeFiles {
  /** Directories that it was started in, sorted. */
  readonly workingDirs: readonly string[];
  /** Absolute where the working directory is known. */
  readonly configFiles: readonly string[];
}

/** A container of a candidate. */
export interface CandidateContainer {
  /** Full id. */
  readonly id: string;
  /** Its own name. */
  readonly name: string;
  /** Role within the candidate; empty for a site. */
  readonly role: string;
  /** 1 for the first or only one. */
  readonly replica: number;
  /** The Engine's own state word. */
  readonly state: string;
}

/** What a person should know of a candidate before it is taken in. */
export type Note =
  /** Its name was taken, so it is offered under another. */
  | { readonly code: "renamed"; readonly from: string }
  /** Containers of one project come from several directories. */
  | { readonly code: "several-directories"; readonly directories: readonly string[] }
  /** The container's name changes with each deploy, and with it ends the claim. */
  | { readonly code: "name-changes"; readonly containerName: string }
  /** None of its containers runs. */
  | { readonly code: "not-running" };

/** A container that can't be taken in. */
export interface LeftOutContainer {
  /** Its name, or its id when it has none. */
  readonly container: string;
  /** Why not. */
  readonly reason: LeftOutReason | RefusalReason;
}

/** What runs unmanaged. */
export interface Discovery {
  /** By name. */
  readonly candidates: readonly Candidate[];
  /** By container. */
  readonly leftOut: readonly LeftOutContainer[];
}

/** Groups what no workload accounts for. */
export function discover(
  containers: Iterable<ListedContainer>,
  { refusal, isTaken, isClaimed }: DiscoverOptions,
): Discovery {
  const leftOut: LeftOutContainer[] = [];
  const stacks = new Map<string, { part: StackPart; members: Member[] }>();
  const candidates: Candidate[] = [];
  for (const container of containers) {
    const refused = refusal(container);
    if (refused === null) continue;
    const leave = (reason: LeftOutContainer["reason"]) =>
      leftOut.push({ container: container.name || container.id, reason });
    if (!UNREGISTERED.has(refused)) {
      leave(refused);
      continue;
    }
    const found = recognize(container);
    if (found.kind === "left-out") leave(found.reason);
    else if (found.kind === "stack") {
      const key = `${found.claim}:${found.project}`;
      const stack = stacks.get(key);
      if (stack === undefined) {
        stacks.set(key, { part: found, members: [{ container, part: found }] });
      } else stack.members.push({ container, part: found });
    } else if (!isClaimed(container.name)) {
      const { by, renamed } = found;
      candidates.push({
        name: found.name || nameFrom(container.name) || container.id.slice(0, 12),
        kind: "site",
        by,
        claim: { by: "name", containerName: container.name },
        containers: [memberOf({ container, part: { role: "", replica: 1 } })],
        notes: [
          ...(renamed ? [{ code: "name-changes", containerName: container.name } as const] : []),
          ...ofStates([container]),
        ],
      });
    }
  }
  for (const { part, members } of stacks.values()) candidates.push(stackOf(part, members));
  return {
    candidates: named(candidates, isTaken),
    leftOut: leftOut.sort((a, b) => compare(a.container, b.container)),
  };
}

interface Member {
  readonly container: ListedContainer;
  readonly part: Pick<StackPart, "role" | "replica">;
}

function stackOf(part: StackPart, members: readonly Member[]): Candidate {
  const { project, by, name } = part;
  const files = composeFilesOf(members.map(({ container }) => container));
  const { workingDirs: directories } = files;
  return {
    name,
    kind: "stack",
    by,
    claim: part.claim === "compose"
      ? { by: "compose", project, files }
      : { by: "swarm", namespace: project },
    containers: members.map(memberOf).sort((a, b) =>
      compare(a.role, b.role) || a.replica - b.replica || compare(a.name, b.name)
    ),
    notes: [
      ...(directories.length > 1 ? [{ code: "several-directories", directories } as const] : []),
      ...ofStates(members.map(({ container }) => container)),
    ],
  };
}

function memberOf({ container: { id, name, state }, part: { role, replica } }: Member) {
  return { id, name, role, replica, state };
}

function ofStates(containers: readonly ListedContainer[]): Note[] {
  return containers.some(({ state }) => state === "running") ? [] : [{ code: "not-running" }];
}

/**
 * Where the containers of one project say they come from. `config_files` is a comma list; old
 * Compose tells paths relative to the working directory, and `-` for what it was piped.
 */
export function composeFilesOf(containers: Iterable<ListedContainer>): ComposeFiles {
  const workingDirs = new Set<string>();
  const configFiles = new Set<string>();
  for (const { labels } of containers) {
    const dir = labelText(labels[FOREIGN_LABEL.composeWorkingDir]);
    if (dir !== "") workingDirs.add(dir);
    const files = labels[FOREIGN_LABEL.composeConfigFiles];
    // Several long paths are longer than one label value may be elsewhere; each is bounded.
    for (const file of files === undefined ? [] : files.slice(0, 64 * 1024).split(",")) {
      const path = labelText(file);
      if (path === "" || path === "-") continue;
      const absolute = path.startsWith("/") || dir === "";
      configFiles.add(absolute ? path : `${dir.replace(/\/$/, "")}/${path.replace(/^\.\//, "")}`);
    }
  }
  return { workingDirs: [...workingDirs].sort(), configFiles: [...configFiles] };
}

/** Gives each candidate a name of its own; sorted by it. */
function named(
  candidates: readonly Candidate[],
  isTaken: DiscoverOptions["isTaken"],
): Candidate[] {
  const given = new Set<string>();
  // The last number that was given to a name.
  const last = new Map<string, number>();
  // Those with several containers first: their name is the more telling one.
  const inOrder = candidates.toSorted((a, b) =>
    compare(b.kind, a.kind) || compare(a.name, b.name) ||
    compare(a.containers[0]!.name, b.containers[0]!.name)
  );
  const isFree = (name: string, kind: WorkloadKind) =>
    !given.has(foldName(name)) && !isTaken(kind, name);
  return inOrder.map((candidate) => {
    const { kind, name: from } = candidate;
    let name = from;
    let n = last.get(foldName(from)) ?? 1;
    while (!isFree(name, kind)) name = `${clip(from, 120)}-${++n}`;
    last.set(foldName(from), n);
    given.add(foldName(name));
    if (name === from) return candidate;
    return { ...candidate, name, notes: [{ code: "renamed", from } as const, ...candidate.notes] };
  }).sort((a, b) => compare(a.name, b.name));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
