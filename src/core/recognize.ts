/**
 * What the labels of an unmanaged container say it belongs to. Label values are data from anyone
 * who has the socket: bounded, and taken for nothing when they can't be shown as they are. Pure.
 *
 * @module
 */

import type { ListedContainer } from "../model/container.ts";
import { clip, hasControls } from "../text.ts";
import { swarmTask } from "./swarm.ts";
import { isInherited, isOneOff, LABEL, MAX_LABEL_LENGTH } from "./dispatch.ts";
import { isComposeProject } from "./names.ts";

/** By what a container was recognized. */
export type RecognizedBy =
  | "compose"
  | "swarm"
  | "coolify"
  | "kamal"
  | "dokku"
  | "systemd"
  | "unraid"
  | "name";

/** Why a container can't be taken in. */
export type LeftOutReason =
  /** It belongs to a Kubernetes pod. */
  | "kubernetes"
  /** It only holds a pod's namespaces open. */
  | "infra"
  /** A Compose `run`, or a hook of a service: it carries its labels and is not the service. */
  | "one-off"
  /** It has no name that could be claimed. */
  | "nameless";

/** A container that is part of something with several. */
export interface StackPart {
  /** Grouped with others. */
  readonly kind: "stack";
  /** Whose labels said so. */
  readonly by: RecognizedBy;
  /** The Compose project or Swarm stack: what its containers have in common. */
  readonly project: string;
  /** Whose labels its containers are claimed by. */
  readonly claim: "compose" | "swarm";
  /** What people may call it. */
  readonly name: string;
  /** Service that it is one of. */
  readonly role: string;
  /** 1 for the first or only one. */
  readonly replica: number;
}

/** A container that stands for itself. */
export interface Single {
  /** On its own. */
  readonly kind: "site";
  /** Whose labels said so. */
  readonly by: RecognizedBy;
  /** What people may call it; may be empty. */
  readonly name: string;
  /** Whether its container gets another name with each deploy: then its claim ends with it. */
  readonly renamed: boolean;
}

/** A container that is left out. */
export interface LeftOut {
  /** Not to be taken in. */
  readonly kind: "left-out";
  /** Why not. */
  readonly reason: LeftOutReason;
}

/** Labels that {@linkcode recognize} reads beside those of dispatch. */
export const FOREIGN_LABEL = {
  composeWorkingDir: "com.docker.compose.project.working_dir",
  composeConfigFiles: "com.docker.compose.project.config_files",
  coolifyManaged: "coolify.managed",
  coolifyName: "coolify.name",
  coolifyResource: "coolify.resourceName",
  kamalService: "service",
  kamalRole: "role",
  kamalDestination: "destination",
  dokkuApp: "com.dokku.app-name",
  dokkuProcess: "com.dokku.process-type",
  systemdUnit: "PODMAN_SYSTEMD_UNIT",
  unraidManaged: "net.unraid.docker.managed",
} as const;

/** Says what a container belongs to. The first that fits decides; Compose's labels before all. */
export function recognize(container: ListedContainer): StackPart | Single | LeftOut {
  const { labels, name } = container;
  const label = (key: string) => labelText(labels[key]);
  if (Object.keys(labels).some((key) => key.startsWith("io.kubernetes."))) return out("kubernetes");
  if (isInfra(container)) return out("infra");

  const project = label(LABEL.composeProject);
  if (project !== "") {
    // Before all: old Compose gives a one-off no more labels than the images it builds.
    if (isOneOff(container)) return out("one-off");
    if (!isInherited(container) && isComposeProject(project)) {
      const nice = niceName(label);
      return {
        kind: "stack",
        by: nice === null ? "compose" : nice.by,
        project,
        claim: "compose",
        name: nice?.name ?? project,
        role: label(LABEL.composeService) || name || container.id,
        replica: numberOf(label(LABEL.composeNumber)),
      };
    }
  }
  const task = swarmTask(label);
  const ofTask = task === null ? "" : nameFrom(task.project) || nameFrom(task.role);
  if (task !== null && ofTask !== "") {
    return { kind: "stack", by: "swarm", claim: "swarm", name: ofTask, ...task };
  }
  if (name === "") return out("nameless");

  const nice = niceName(label);
  if (nice !== null) return single(nice.by, nice.name, nice.by === "coolify");
  const kamal = kamalName(name, label);
  if (kamal !== null) return single("kamal", kamal, true);
  const unit = label(FOREIGN_LABEL.systemdUnit).replace(/\.service$/, "");
  if (unit !== "") return single("systemd", unit, false);
  if (label(FOREIGN_LABEL.unraidManaged) !== "") return single("unraid", name, false);
  return single("name", name, false);
}

/** Longest name of a workload that is offered. */
const MAX_NAME = 128;

/** A pod's first container, as Podman makes it. */
function isInfra({ name, image }: ListedContainer): boolean {
  return /(?:^|\/)(?:podman-)?pause(?:[:@]|$)/.test(image) || /^[0-9a-f]{12}-infra$/.test(name);
}

/** A name that a platform gives, for people. */
function niceName(label: (key: string) => string): { name: string; by: RecognizedBy } | null {
  if (label(FOREIGN_LABEL.coolifyManaged) !== "") {
    const name = nameFrom(label(FOREIGN_LABEL.coolifyResource)) ||
      nameFrom(label(FOREIGN_LABEL.coolifyName));
    if (name !== "") return { name, by: "coolify" };
  }
  const app = nameFrom(label(FOREIGN_LABEL.dokkuApp));
  if (app === "") return null;
  const process = nameFrom(label(FOREIGN_LABEL.dokkuProcess));
  return { name: process === "" || process === "web" ? app : `${app}-${process}`, by: "dokku" };
}

/** Kamal's labels have everyday names, so the container's own must agree. */
function kamalName(name: string, label: (key: string) => string): string | null {
  const service = label(FOREIGN_LABEL.kamalService);
  const role = label(FOREIGN_LABEL.kamalRole);
  const destination = label(FOREIGN_LABEL.kamalDestination);
  const prefix = [service, role, destination].filter((part) => part !== "").join("-");
  if (service === "" || role === "" || !name.startsWith(`${prefix}-`)) return null;
  return nameFrom([service, destination, role === "web" ? "" : role].filter(Boolean).join("-"));
}

function single(by: RecognizedBy, name: string, renamed: boolean): Single {
  return { kind: "site", by, name: nameFrom(name), renamed };
}

function out(reason: LeftOutReason): LeftOut {
  return { kind: "left-out", reason };
}

function numberOf(text: string): number {
  return /^[1-9][0-9]{0,5}$/.test(text) ? Number(text) : 1;
}

/** A name that the registry takes, made from text; empty when nothing is left of it. */
export function nameFrom(text: string): string {
  return clip(text.replaceAll("/", "-"), MAX_NAME).toWellFormed().replace(/^[-\s]+|\s+$/g, "");
}

/** A label's value; empty when there is none, or it can't be stored and shown as it is. */
export function labelText(value: string | undefined): string {
  if (value === undefined || value.length > MAX_LABEL_LENGTH) return "";
  if (hasControls(value) || /[\u2028\u2029]/.test(value)) return "";
  return value.isWellFormed() ? value.trim() : "";
}
