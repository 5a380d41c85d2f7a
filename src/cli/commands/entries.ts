/**
 * `tinyforge add`, `rename`, `set` and `rm`: what should exist on this host.
 *
 * @module
 */

import type { Entry } from "../../store/registry.ts";
import type { Stage } from "../../store/stages.ts";
import { type Api, withApi } from "../client.ts";
import { CommandError, EXIT, usageError } from "../command.ts";
import { quote } from "../../text.ts";
import type { InvocationOf } from "../commands.ts";
import { LABEL } from "../../core/dispatch.ts";
import { MISSING } from "../../model/container.ts";
import { nearest } from "../nearest.ts";
import { wholeNumber } from "../numbers.ts";
import type { Output } from "../output.ts";
import { counted, shortId } from "../phrases.ts";
import { readRows } from "../rows.ts";
import { runningProject } from "../running_project.ts";
import { shellWord } from "../../shell_word.ts";
import { tableLines } from "../table.ts";

/** What can be added; a stage belongs to a project. */
type Kind = "project" | "stack" | "site" | "stage";

const PATHS: Readonly<Record<Kind, string>> = {
  project: "/api/projects",
  stack: "/api/stacks",
  site: "/api/sites",
  stage: "/api/stages",
};

/** Flag → what it is called in a request, and the kind that has it. */
const FIELDS = [
  { flag: "domain", field: "domain", kind: "site" },
  { flag: "container-name", field: "containerName", kind: "site" },
  { flag: "compose-project", field: "composeProjectName", kind: "stack" },
  { flag: "max-instances", field: "maxInstances", kind: "stage" },
  { flag: "branch", field: "branch", kind: "stage" },
] as const;

/** What `--clear` takes → the field, what is written there for nothing, and the kind that has it. */
const CLEARED: Readonly<Record<string, readonly [field: string, nothing: null | false, Kind]>> = {
  domain: ["domain", null, "site"],
  "container-name": ["containerName", null, "site"],
  branch: ["branch", null, "stage"],
  preview: ["preview", false, "stage"],
};

/** Registers a project, stack, site or stage; prints its ids and secret. */
export async function add(invocation: InvocationOf<"add">): Promise<number> {
  const { kind, name, out } = read(invocation);
  const fields = readFields(invocation, kind);
  const id = invocation.flag("id");
  if (id !== undefined) {
    if (kind === "stage") throw usageError("Cannot use --id with a stage: no container carries it");
    fields["id"] = id;
  }
  const config = invocation.config();
  const added = await withApi(config, async (api) => {
    if (kind === "stack" && fields["composeProjectName"] === undefined) {
      const running = await runningProject(api, config, name);
      if (running !== null) {
        const { project, containers } = running;
        fields["composeProjectName"] = project;
        out.notes(
          `Took Compose project ${quote(project)}, which runs already ` +
            `(${counted(containers, "container")}); --compose-project names another.`,
        );
      }
    }
    if (kind !== "stage") {
      return await api.request<object>("POST", PATHS[kind], { name, ...fields });
    }
    const [projectName, stageName] = splitStage(name);
    const project = await find(api, "project", projectName, "add a stage to");
    const path = `${PATHS.project}/${encodeURIComponent(project.id)}/stages`;
    return await api.request<object>("POST", path, { name: stageName, ...fields });
  }, { creates: kind !== "stage" });
  if (invocation.on("json")) {
    out.json(added);
    return EXIT.done;
  }
  const shown = Object.entries(added).filter(([key, value]) => key in TITLES && value !== null)
    .map(([key, value]) => [TITLES[key]!, String(value)]);
  out.raw(tableLines(shown).map((line) => `${line}\n`).join(""));
  out.notes(...nextStep(kind, added as Partial<Entry>));
  return EXIT.done;
}

/** Gives one another name. */
export async function rename(invocation: InvocationOf<"rename">): Promise<number> {
  const { kind, name, out } = read(invocation);
  const newName = invocation.operands[2];
  const changed = await change(invocation, { name: newName });
  if (invocation.on("json")) out.json(changed);
  else out.notes(`Renamed ${kind} ${quote(name)} to ${quote(newName)}.`);
  return EXIT.done;
}

/** Changes what else there is to one. */
export async function set(invocation: InvocationOf<"set">): Promise<number> {
  const { kind, name, out } = read(invocation);
  const fields = readFields(invocation, kind);
  for (const word of invocation.flag("clear")?.split(",") ?? []) {
    const [field, nothing, owner] = CLEARED[word]!;
    requireKind(`clear ${word}`, kind, owner);
    if (field in fields) throw usageError(`Cannot set and clear ${quote(word)} at once`);
    fields[field] = nothing;
  }
  if (Object.keys(fields).length === 0) {
    throw usageError(
      `Cannot change ${kind} ${quote(name)}: nothing to change was given`,
      "give --domain, --container-name, --compose-project, --max-instances, --branch or " +
        "--preview; `tinyforge rename` changes a name",
    );
  }
  const changed = await change(invocation, fields);
  if (invocation.on("json")) out.json(changed);
  else out.notes(`Changed ${kind} ${quote(name)}.`);
  return EXIT.done;
}

/** Forgets one. */
export async function remove(invocation: InvocationOf<"rm">): Promise<number> {
  const { kind, out } = read(invocation);
  const [, ...names] = invocation.operands as readonly string[];
  const force = invocation.on("force") ? "?force=true" : "";
  const removed = await withApi(invocation.config(), async (api) => {
    // All are looked up before the first goes: a mistyped name changes nothing.
    const found = [];
    for (const name of names) found.push(await find(api, kind, name, "remove"));
    const entries = [];
    const carried = [];
    for (const { id, workloadId } of new Map(found.map((entry) => [entry.id, entry])).values()) {
      const carriers = workloadId === undefined ? [] : await carriersOf(api, workloadId);
      const path = `${PATHS[kind]}/${encodeURIComponent(id)}${force}`;
      entries.push(await api.request<object>("DELETE", path));
      if (workloadId !== undefined && carriers.length > 0) carried.push({ workloadId, carriers });
    }
    return { entries, carried };
  });
  if (invocation.on("json")) {
    out.json(names.length === 1 ? removed.entries[0] : { items: removed.entries });
  } else {
    const each = names.map((name) => quote(name)).join(", ");
    out.notes(`Removed ${kind} ${each}; containers were left alone.`);
  }
  for (const { workloadId, carriers } of removed.carried) {
    const more = carriers.length > MAX_NAMED ? ` and ${carriers.length - MAX_NAMED} more` : "";
    out.notes(
      `Containers that were its own: ${
        carriers.slice(0, MAX_NAMED).join(", ")
      }${more}. Those that ` +
        `carry its id are refused until \`tinyforge add ${kind} NAME --id ${workloadId}\` takes it ` +
        "back.",
    );
  }
  return EXIT.done;
}

/** Names of the containers that carry a workload's rows. */
async function carriersOf(api: Api, workloadId: string): Promise<(string | null)[]> {
  const { items } = await readRows(api, { workload: workloadId });
  return items.filter(({ containerId, state }) => containerId !== null && state !== MISSING)
    .map((row) => row.containerName || shortId(row.containerId));
}

/** So many containers are named. */
const MAX_NAMED = 10;

/** Fields of an answer that people need, in the order of the answer. */
const TITLES: Readonly<Record<string, string>> = {
  id: "id",
  workloadId: "workload",
  composeProjectName: "compose project",
  domain: "domain",
  containerName: "container name",
  maxInstances: "max instances",
  branch: "branch",
  secret: "secret",
};

function read({ operands, out }: InvocationOf<"add" | "rename" | "set" | "rm">): {
  kind: Kind;
  name: string;
  out: Output;
} {
  return { kind: operands[0], name: operands[1], out };
}

function readFields(invocation: InvocationOf<"add" | "set">, kind: Kind): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const { flag, field, kind: owner } of FIELDS) {
    const value = invocation.flag(flag);
    if (value === undefined) continue;
    requireKind(flag, kind, owner);
    fields[field] = flag === "max-instances" ? wholeNumber(flag, value, { least: 1 }) : value;
  }
  if (invocation.on("preview")) {
    requireKind("preview", kind, "stage");
    fields["preview"] = true;
  }
  return fields;
}

function requireKind(flag: string, kind: Kind, owner: Kind): void {
  if (kind === owner) return;
  throw usageError(
    `Cannot use --${flag} with a ${kind}: only a ${owner} has one`,
    `leave --${flag} out`,
  );
}

async function change(
  invocation: InvocationOf<"rename" | "set">,
  fields: Record<string, unknown>,
): Promise<object> {
  const { kind, name } = read(invocation);
  return await withApi(invocation.config(), async (api) => {
    const { id } = await find(api, kind, name, "change");
    return await api.request<object>("PATCH", `${PATHS[kind]}/${encodeURIComponent(id)}`, fields);
  });
}

/** The entry or stage with this name, else with this id. */
async function find(
  api: Api,
  kind: Kind,
  name: string,
  verb: string,
): Promise<{ id: string; name: string; workloadId?: string }> {
  if (kind === "stage") {
    const [projectName, stageName] = splitStage(name);
    const project = await find(api, "project", projectName, `${verb} a stage of`);
    const path = `${PATHS.project}/${encodeURIComponent(project.id)}/stages`;
    const { items } = await api.get<{ items: Stage[] }>(path);
    return pick(items, stageName, { what: `stage ${quote(name)}`, verb, plural: "stages" });
  }
  const { items } = await api.get<{ items: Entry[] }>(PATHS[kind]);
  return pick(items, name, { what: `${kind} ${quote(name)}`, verb, plural: `${kind}s` });
}

function pick<Item extends { id: string; name: string }>(
  items: readonly Item[],
  name: string,
  { what, verb, plural }: { what: string; verb: string; plural: string },
): Item {
  const found = items.find((item) => item.name === name) ?? items.find((item) => item.id === name);
  if (found !== undefined) return found;
  const meant = nearest(name, items.map((item) => item.name));
  throw new CommandError(`Cannot ${verb} ${what}: there is none`, {
    code: "not-found",
    hint: meant === null
      ? `\`tinyforge list ${plural}\` shows them`
      : `did you mean ${quote(meant)}?`,
  });
}

function splitStage(text: string): [project: string, stage: string] {
  const [project, stage, ...more] = text.split("/");
  if (project && stage && more.length === 0) return [project, stage];
  throw usageError(
    `Cannot use ${quote(text)} as a stage: it is not PROJECT/NAME`,
    "write it as in shop/production",
  );
}

function nextStep(
  kind: Kind,
  { name = "", composeProjectName, containerName }: Partial<Entry>,
): string[] {
  const ids = [
    `Label containers with the workload's id (${LABEL.workloadId}); the ${kind}'s own is for`,
    `${PATHS[kind]}${kind === "site" ? ` and ${LABEL.staticSite}` : ""}, the secret for /hooks.`,
  ];
  switch (kind) {
    case "site":
      if (typeof containerName === "string") {
        return [
          `Added site ${quote(name)}; the container named ${quote(containerName)} serves it.`,
          ...ids,
        ];
      }
      return [
        `Added site ${quote(name)}. Its container: docker run -d $(tinyforge labels ${
          shellWord(`site/${name}`)
        }) IMAGE`,
        ...ids,
      ];
    case "stack":
      return [
        `Added stack ${quote(name)}. Its containers: docker compose -p ${
          shellWord(composeProjectName ?? "")
        } up -d`,
        ...ids,
      ];
    case "project":
      return [
        `Added project ${quote(name)}. Its rows are a deployer's: tinyforge help container`,
        ...ids,
      ];
    case "stage":
      return [`Added stage ${quote(name)}; its id is what rows have as stageId.`];
  }
}
