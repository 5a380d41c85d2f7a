/**
 * What is expected of something that is taken in: what runs of it now, and what its Compose files
 * say beyond that. Pure.
 *
 * @module
 */

import type { ListedContainer } from "../model/container.ts";
import type { Expectation, Mode } from "../model/problem.ts";
import type { CandidateContainer } from "./discover.ts";
import { LABEL } from "./dispatch.ts";
import { keepsRunning } from "./expect.ts";
import { endedWithZero } from "./listed.ts";
import { labelText } from "./recognize.ts";

/** What files say of one role. */
export type ToldRole = Pick<Expectation, "role" | "mode" | "replicas" | "image">;

/** What is to be expected of one role. */
export interface TakenRole extends Omit<Expectation, "workloadId" | "setAt"> {
  /** Compose's own hash of the service; null where its labels told none. */
  readonly configHash: string | null;
}

/** A container of a candidate, with the listing's word for it. */
export interface Member {
  /** Its place. */
  readonly place: Pick<CandidateContainer, "role" | "replica">;
  /** As it is listed. */
  readonly container: ListedContainer;
  /** Its restart policy; null: not known. */
  readonly restartPolicy: string | null;
}

/** What is expected of a candidate with these containers, by role. */
export function expectedOf(members: readonly Member[], told: readonly ToldRole[]): TakenRole[] {
  const present = [...Map.groupBy(members, ({ place }) => place.role)].map(([role, those]) => {
    const completed = those.every(({ container, restartPolicy }) =>
      endedWithZero(container) && !keepsRunning(restartPolicy)
    );
    return {
      role,
      mode: completed ? "completed" : "running",
      // Several containers of one number are one and what it was before.
      replicas: new Set(those.map(({ place }) => place.replica)).size,
      image: null,
      source: "accepted",
      configHash: hashOf(those),
    } as const;
  });
  return withTold(present, told);
}

/** Puts what files say over what is there. A scale that was asked for by hand stands. */
export function withTold(present: readonly TakenRole[], told: readonly ToldRole[]): TakenRole[] {
  const roles = new Map(present.map((taken) => [taken.role, taken]));
  for (const { role, mode, replicas, image } of told) {
    const there = roles.get(role);
    // Of a service that is not enabled and has no container there is nothing to say.
    if (there === undefined && replicas === 0) continue;
    const agreed: Mode = mode === "running" ? there?.mode ?? mode : mode;
    roles.set(role, {
      role,
      mode: agreed,
      replicas: Math.max(replicas, there?.replicas ?? 0),
      image,
      source: "compose",
      configHash: there?.configHash ?? null,
    });
  }
  return [...roles.values()];
}

/** With the hashes that the containers of each role have now; null where they tell none. */
export function withHashes<Kept extends { readonly role: string }>(
  kept: readonly Kept[],
  hashes: ReadonlyMap<string, string | null>,
): (Kept & { readonly configHash: string | null })[] {
  return kept.map((one) => ({ ...one, configHash: hashes.get(one.role) ?? null }));
}

/** The hash that the containers of one role agree on. */
export function hashOf(members: readonly Pick<Member, "container">[]): string | null {
  const hashes = new Set(
    members.map(({ container }) => labelText(container.labels[LABEL.composeConfigHash])),
  );
  const [hash] = hashes;
  return hashes.size === 1 && hash !== "" ? hash! : null;
}
