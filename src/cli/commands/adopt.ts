/**
 * `tinyforge adopt`: takes in what runs. Compose files are read here, as the person who runs the
 * command; the API is told what they say. No container is touched.
 *
 * @module
 */

import type { ComposeFiles } from "../../core/discover.ts";
import type { ToldRole } from "../../core/taking_in.ts";
import type { AdoptAnswer, DiscoverAnswer } from "../../server/adopt_schema.ts";
import { sizeText } from "../../size.ts";
import { environmentVariable } from "../../system/libc.ts";
import { onOneLine, quote } from "../../text.ts";
import { type Api, withApi } from "../client.ts";
import { CommandError, EXIT, usageError } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import {
  type ComposeProject,
  expectationsOf,
  MAX_COMPOSE_JSON,
  parseComposeJson,
  readComposeFiles,
} from "../compose_file.ts";
import { indexExists } from "../data_dir.ts";
import { discoverWithoutIndex } from "../discovery.ts";
import { counted } from "../phrases.ts";
import { shellCommand } from "../../shell_word.ts";

/** Registers what is named, or everything, and expects it from now on. */
export async function run(invocation: InvocationOf<"adopt">): Promise<number> {
  const names = (invocation.operands as readonly (string | undefined)[])
    .filter((name) => name !== undefined);
  const all = invocation.on("all");
  const dryRun = invocation.on("dry-run");
  const as = invocation.flag("as");
  const compose = invocation.flag("compose");
  if (all === names.length > 0) {
    throw usageError(
      all ? "Cannot adopt all and some" : "Cannot adopt: say which",
      "give names as `tinyforge discover` shows them, or --all",
    );
  }
  for (const [flag, value] of [["as", as], ["compose", compose]]) {
    if (value === undefined || names.length === 1) continue;
    throw usageError(`Cannot use --${flag} with several: it is about one`, "name one");
  }
  const given = compose === undefined ? null : await readGiven(compose);
  const config = invocation.config();
  if (dryRun && !await indexExists(config.dataDir)) {
    const { candidates } = await discoverWithoutIndex(config);
    const answer = withoutIndex(candidates, { names, all, as });
    return say(invocation, answer, []);
  }
  const notes: string[] = [];
  const answer = await withApi(config, async (api) => {
    const found = await api.get<DiscoverAnswer>("/api/discover");
    const items = [];
    for (const name of all ? found.candidates.map(({ name }) => name) : names) {
      const project = given ?? await readOwn(found, name, notes);
      if (all && project === null) continue;
      items.push({
        name,
        ...(as !== undefined && { as }),
        ...(project !== null && { told: toldBy(project, name, notes) }),
      });
    }
    return await post(api, { items, all, dryRun });
  }, { creates: true });
  return say(invocation, answer, notes);

  function post(api: Api, body: unknown): Promise<AdoptAnswer> {
    return api.request<AdoptAnswer>("POST", "/api/adopt", body);
  }
}

function say(
  invocation: InvocationOf<"adopt">,
  { adopted, skipped }: AdoptAnswer,
  notes: readonly string[],
): number {
  const { out } = invocation;
  const dryRun = invocation.on("dry-run");
  if (invocation.on("json")) {
    out.json({
      adopted: adopted.map(({ name, kind, workloadId, rows }) => ({
        name,
        kind,
        workloadId,
        rows,
      })),
      skipped,
    });
    return EXIT.done;
  }
  out.lines(
    ...adopted.map(({ name, kind, rows, again }) =>
      `${dryRun ? "would adopt" : again ? "adopted again" : "adopted"} ${kind} ${quote(name)}: ${
        counted(rows, "container")
      } expected`
    ),
  );
  out.notes(...notes);
  for (const { name, reason } of skipped) out.notes(`Skipped ${quote(name)}: ${onOneLine(reason)}`);
  if (adopted.length === 0) out.notes("There was nothing to adopt.");
  const undo = undoOf(adopted.filter(({ again }) => !again));
  if (!dryRun && undo !== null) out.notes("No container was touched. To undo it:", `  ${undo}`);
  return EXIT.done;
}

/** One line that forgets what was just registered; null when there is nothing, or it can't be shown. */
function undoOf(adopted: AdoptAnswer["adopted"]): string | null {
  const lines = [...Map.groupBy(adopted, ({ kind }) => kind)].map(([kind, those]) =>
    shellCommand(["tinyforge", "rm", "--force"], [kind, ...those.map(({ name }) => name)])
  );
  return lines.length === 0 || lines.includes(null) ? null : lines.join(" && ");
}

/** What would be adopted where nothing is registered, so that nothing is in the way. */
function withoutIndex(
  candidates: DiscoverAnswer["candidates"],
  { names, all, as }: { names: readonly string[]; all: boolean; as: string | undefined },
): AdoptAnswer {
  const missing = names.find((name) => !candidates.some((each) => each.name === name));
  if (missing !== undefined) {
    throw new CommandError(`Cannot adopt ${quote(missing)}: nothing unmanaged has this name`, {
      code: "not-found",
      hint: "`tinyforge discover` shows what can be taken in",
    });
  }
  return {
    adopted: candidates.filter(({ name }) => all || names.includes(name)).map((each) => ({
      name: as ?? each.name,
      kind: each.kind,
      workloadId: null,
      rows: each.containers.length,
      again: false,
    })),
    skipped: [],
  };
}

/** The files that were named, or what `docker compose config` writes to stdin. */
async function readGiven(compose: string): Promise<ComposeProject> {
  if (compose !== "-") {
    return await readComposeFiles(compose.split(","), { variables: environmentVariable });
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of Deno.stdin.readable) {
    length += chunk.length;
    if (length > MAX_COMPOSE_JSON) {
      throw new CommandError(
        `Cannot read "-": it is longer than ${sizeText(MAX_COMPOSE_JSON)}`,
        { hint: "pipe `docker compose config --format json` into it" },
      );
    }
    chunks.push(chunk);
  }
  return parseComposeJson(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).text());
}

/** The files that a stack's labels name; null where they can't be read here. */
async function readOwn(
  { candidates, registered }: DiscoverAnswer,
  name: string,
  notes: string[],
): Promise<ComposeProject | null> {
  const candidate = candidates.find((each) => each.name === name);
  const files: ComposeFiles | undefined = candidate === undefined
    ? registered.find((each) => each.name === name)?.files
    : candidate.claim.by === "compose"
    ? candidate.claim.files
    : undefined;
  if (files === undefined || files.configFiles.length === 0) return null;
  try {
    return await readComposeFiles(files.configFiles, { variables: environmentVariable });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    notes.push(
      `${onOneLine(name)}: its Compose files are not readable here, so what runs now is expected ` +
        `(${error.message}); --compose names them`,
    );
    return null;
  }
}

const PARTLY: Readonly<Record<string, string>> = {
  include: "it includes other files",
  extends: "a service extends another",
  variable: "a variable has no value",
  restart: "a restart policy is none",
};

function toldBy(project: ComposeProject, name: string, notes: string[]): ToldRole[] {
  const why = new Set(
    project.partly.map(({ because, value }) =>
      `${PARTLY[because]}${value === "" ? "" : ` (${quote(value)})`}`
    ),
  );
  if (why.size > 0) {
    notes.push(`${onOneLine(name)}: partly known, because ${[...why].slice(0, 5).join(", ")}`);
  }
  return expectationsOf(project, { workloadId: "", now: 0 })
    .map(({ role, mode, replicas, image }) => ({ role, mode, replicas, image }));
}
