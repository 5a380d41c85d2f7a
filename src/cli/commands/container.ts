/**
 * `tinyforge container add|set|rm`: rows as a deployer writes them.
 *
 * @module
 */

import type { ContainerView } from "../../model/views.ts";
import type { Workload } from "../../model/workload.ts";
import type { DeployedContainerPatch } from "../../store/deployed_containers.ts";
import type { Stage } from "../../store/stages.ts";
import { type Api, withApi } from "../client.ts";
import { CommandError, EXIT, usageError } from "../command.ts";
import { findContainer } from "../dispatched.ts";
import { quote } from "../../text.ts";
import type { InvocationOf } from "../commands.ts";
import { nearest } from "../nearest.ts";
import { wholeNumber } from "../numbers.ts";
import { shellWord } from "../../shell_word.ts";
import { resolveWorkload } from "../workload_name.ts";

/** Flag → field of the row; `stage` is looked up and not among them. */
const FIELDS = {
  container: "containerId",
  image: "imageRef",
  "image-tag": "imageTag",
  subdomain: "subdomain",
  "proxy-route": "proxyRouteId",
  "npm-proxy-id": "npmProxyId",
  meta: "meta",
} as const satisfies Record<string, keyof DeployedContainerPatch>;

type FieldFlag = keyof typeof FIELDS;

/** Creates a row and prints its id. */
export async function add(invocation: InvocationOf<"container add">): Promise<number> {
  const { out, operands } = invocation;
  const [id, role, replica] = [
    invocation.flag("id"),
    invocation.flag("role"),
    invocation.flag("replica"),
  ];
  const row = {
    ...(id !== undefined && { id }),
    ...(role !== undefined && { role }),
    ...(replica !== undefined && { replica: wholeNumber("replica", replica, { least: 1 }) }),
    ...readFields(invocation),
  };
  const view = await withApi(invocation.config(), async (api) => {
    const workload = await findWorkload(api, operands[0], "create a row");
    const stageId = await findStage(api, workload, invocation.flag("stage"));
    return await api.request<ContainerView>("POST", "/api/containers", {
      ...row,
      ...await namedContainer(api, invocation.flag("container"), "create a row for container"),
      ...stageId,
      workloadId: workload.id,
    });
  });
  if (invocation.on("json")) out.json(view);
  else {
    out.lines(view.id);
    out.notes(
      `Created row ${quote(view.id)}; it is "${view.state}" until a listing confirms ${
        view.containerId === null ? "a container of its" : "it"
      }.`,
    );
    if (view.containerId === null) {
      out.notes(
        `A container gets it with these labels: tinyforge labels ${
          shellWord(view.workloadId)
        } --row ${shellWord(view.id)}`,
      );
    }
  }
  return EXIT.done;
}

/** Changes a row. */
export async function set(invocation: InvocationOf<"container set">): Promise<number> {
  const { out, operands } = invocation;
  const rowId = operands[0];
  const stage = invocation.flag("stage");
  const patch = { ...readFields(invocation), ...readCleared(invocation) };
  if (stage === undefined && Object.keys(patch).length === 0) {
    throw usageError(
      `Cannot change row ${quote(rowId)}: nothing to change was given`,
      "`tinyforge help container set` lists the flags",
    );
  }
  const view = await withApi(invocation.config(), async (api) => {
    const path = `/api/containers/${encodeURIComponent(rowId)}`;
    Object.assign(
      patch,
      await namedContainer(api, invocation.flag("container"), "bind a row to container"),
    );
    if (stage === undefined) return await api.request<ContainerView>("PATCH", path, patch);
    const { workloadId } = await api.get<ContainerView>(path);
    const workload = await findWorkload(api, workloadId, "change a row");
    const stageId = await findStage(api, workload, stage);
    return await api.request<ContainerView>("PATCH", path, { ...patch, ...stageId });
  });
  if (invocation.on("json")) out.json(view);
  else out.notes(`Changed row ${quote(view.id)}.`);
  return EXIT.done;
}

/** Removes a row. */
export async function remove(invocation: InvocationOf<"container rm">): Promise<number> {
  const { out, operands } = invocation;
  const rowId = operands[0];
  await withApi(
    invocation.config(),
    (api) => api.request<void>("DELETE", `/api/containers/${encodeURIComponent(rowId)}`),
  );
  if (invocation.on("json")) out.json({ id: rowId });
  else out.notes(`Removed row ${quote(rowId)}; its container was left alone.`);
  return EXIT.done;
}

function readFields(
  invocation: InvocationOf<"container add" | "container set">,
): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const flag of Object.keys(FIELDS) as FieldFlag[]) {
    const value = invocation.flag(flag);
    if (value === undefined) continue;
    fields[FIELDS[flag]] = flag === "npm-proxy-id"
      ? wholeNumber(flag, value)
      : flag === "meta"
      ? jsonObject(flag, value)
      : value;
  }
  return fields;
}

/** What a flag says as JSON; how large it may be is the store's to know. */
function jsonObject(flag: string, text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  throw usageError(
    `Cannot use ${quote(text, 64)} as --${flag}: it is not a JSON object`,
    `write it in single quotes: --${flag} '{"owner":"ops"}'`,
  );
}

function readCleared(invocation: InvocationOf<"container set">): Record<string, null> {
  const cleared: Record<string, null> = {};
  const flags = (invocation.flag("clear")?.split(",") ?? []) as (FieldFlag | "stage")[];
  for (const flag of flags) {
    if (invocation.flag(flag) !== undefined) {
      throw usageError(
        `Cannot set and clear --${flag} at once`,
        "leave one of the two out",
      );
    }
    cleared[flag === "stage" ? "stageId" : FIELDS[flag]] = null;
  }
  return cleared;
}

async function findWorkload(api: Api, text: string, action: string): Promise<Workload> {
  const { items } = await api.get<{ items: Workload[] }>("/api/workloads");
  return resolveWorkload(items, text, { action });
}

/**
 * The id of the container that a name or a short id means, as a field; a full id needs nobody to
 * know it: its container may be on its way.
 */
async function namedContainer(
  api: Api,
  text: string | undefined,
  action: string,
): Promise<{ containerId?: string }> {
  if (text === undefined || /^[0-9a-f]{64}$/.test(text)) return {};
  const container = await findContainer(api, text, { action, fresh: true });
  if (container !== null) return { containerId: container.containerId };
  throw new CommandError(
    `Cannot ${action} ${quote(text)}: the Engine has none of that name or id`,
    {
      code: "not-found",
      hint: "`docker ps -a` shows them; a container that is still to come is named by its full id",
    },
  );
}

/** The stage's id as a field, or no field. */
async function findStage(
  api: Api,
  workload: Workload,
  text: string | undefined,
): Promise<{ stageId?: string }> {
  if (text === undefined) return {};
  if (workload.kind !== "project") {
    throw usageError(
      `Cannot use --stage with ${workload.kind} ${quote(workload.name)}: only a project has stages`,
      "leave --stage out",
    );
  }
  const path = `/api/projects/${encodeURIComponent(workload.refId)}/stages`;
  const { items } = await api.get<{ items: Stage[] }>(path);
  const stage = items.find(({ name }) => name === text) ?? items.find(({ id }) => id === text);
  if (stage !== undefined) return { stageId: stage.id };
  const meant = nearest(text, items.map(({ name }) => name));
  throw new CommandError(
    `Cannot use stage ${quote(text)}: project ${quote(workload.name)} has none of that name`,
    {
      code: "not-found",
      hint: meant === null
        ? `\`tinyforge add stage\` makes one, \`tinyforge list stages\` shows them`
        : `did you mean ${quote(meant)}?`,
    },
  );
}
