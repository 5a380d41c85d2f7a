/**
 * Flags, operands and words that several commands of the table share. Loads no command.
 *
 * @module
 */

import { MODES } from "../model/problem.ts";
import { WORKLOAD_KINDS } from "../model/workload.ts";
import type { Flag, Operand } from "./command.ts";

/** Flags of every command besides those of the configuration. */
export const COMMON_FLAGS: readonly Flag[] = [
  { name: "help", description: "explain the command" },
  { name: "no-color", description: "no colours, whatever NO_COLOR says" },
];

/** For programs. */
export const JSON_FLAG = {
  name: "json",
  description: "print one JSON document",
} as const satisfies Flag;
/** Of a hub's many hosts. */
export const HOST_FLAG = {
  name: "host",
  placeholder: "NAME",
  description: "of a hub: only this host's",
  offers: "hosts",
} as const satisfies Flag;
/** For what others refer to. */
export const FORCE_FLAG = {
  name: "force",
  description: "forget what refers to it, too",
} as const satisfies Flag;
/** Of a container. */
export const ROLE_FLAG = {
  name: "role",
  placeholder: "ROLE",
  description: "role of the container in its workload",
} as const satisfies Flag;
/** Of what is registered. */
export const ENTRY_FLAGS = [
  { name: "domain", placeholder: "NAME", description: "a site's domain" },
  {
    name: "compose-project",
    placeholder: "NAME",
    description: "a stack's Compose project (default: the prefix and its name)",
  },
  {
    name: "container-name",
    placeholder: "NAME",
    description: "a site's container, by its name: for one without a label",
  },
  { name: "max-instances", placeholder: "N", description: "how many instances a stage may have" },
  { name: "branch", placeholder: "NAME", description: "the branch that a stage shows" },
  { name: "preview", description: "a stage that is made to look at a branch for a while" },
] as const satisfies readonly Flag[];
/** Columns of the deployer. */
export const DEPLOYER_FLAGS = [
  { name: "container", placeholder: "ID", description: "the full id of the container to bind" },
  { name: "image", placeholder: "REF", description: "that container's image" },
  {
    name: "stage",
    placeholder: "NAME",
    description: "stage of the row's project, name or id",
    offers: "stages",
  },
  { name: "image-tag", placeholder: "TAG", description: "tag that was deployed" },
  { name: "subdomain", placeholder: "NAME", description: "subdomain that leads to it" },
  { name: "proxy-route", placeholder: "ID", description: "id of its proxy route" },
  { name: "npm-proxy-id", placeholder: "N", description: "its id in Nginx Proxy Manager" },
  { name: "meta", placeholder: "JSON", description: "a JSON object of your own, up to 4 KiB" },
] as const satisfies readonly Flag[];

/** What is registered. */
export const KIND = {
  name: "KIND",
  values: [...WORKLOAD_KINDS, "stage"],
} as const satisfies Operand;
/** A name that is free. */
export const NEW = { name: "NAME" } as const satisfies Operand;
/** A registered name. */
export const ENTRY = { name: "NAME", offers: "entries" } as const satisfies Operand;
/** A workload. */
export const WORKLOAD = { name: "NAME", offers: "workloads" } as const satisfies Operand;
/** A row. */
export const ROW = { name: "ROW", offers: "rows" } as const satisfies Operand;

/** What may be written for a name. */
export const NAME_DETAILS =
  `NAME is a workload's name or id; where a project, a stack and a site share one
name, write KIND/NAME, as in site/blog.`;
/** How a stage is written. */
export const ENTRY_DETAILS = "A stage is written PROJECT/NAME, as in shop/production.";

/** What should run of a role. */
export const EXPECT_FLAGS = [
  { name: "replicas", placeholder: "N", description: "how many containers" },
  {
    name: "mode",
    placeholder: "MODE",
    description: "what they should do",
    values: MODES,
  },
] as const satisfies readonly Flag[];
