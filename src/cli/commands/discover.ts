/**
 * `tinyforge discover`: what runs unmanaged, grouped into what could be registered. Needs no index
 * and no daemon, but asks none but its Engine where there is one; writes nothing.
 *
 * @module
 */

import type { Candidate, LeftOutContainer, Note } from "../../core/discover.ts";
import type { DiscoverAnswer } from "../../server/adopt_schema.ts";
import { onOneLine, quote } from "../../text.ts";
import { ENGINE_TIMEOUT_MS, withIndex } from "../client.ts";
import { EXIT } from "../command.ts";
import type { InvocationOf } from "../commands.ts";
import { discoverWithoutIndex } from "../discovery.ts";
import { counted } from "../phrases.ts";
import { shellCommand } from "../../shell_word.ts";
import { printTable } from "../table.ts";

/** Prints candidates, what takes them in, and what is left out. */
export async function run(invocation: InvocationOf<"discover">): Promise<number> {
  const { out } = invocation;
  const { candidates, leftOut, registered } = await withIndex(
    invocation,
    (api) =>
      api === null
        ? discoverWithoutIndex(invocation.config())
        : api.get<DiscoverAnswer>("/api/discover"),
    { fresh: true, timeoutMs: ENGINE_TIMEOUT_MS },
  );
  const changed = registered.filter((stack) => stack.changed.length > 0);
  if (invocation.on("json")) {
    out.json({
      candidates: candidates.map((candidate) => ({ ...candidate, command: commandFor(candidate) })),
      leftOut,
      changed: changed.map(({ name, changed }) => ({ name, roles: changed })),
    });
    return EXIT.done;
  }
  const rows = candidates.map((candidate) => [
    onOneLine(candidate.name),
    candidate.kind,
    candidate.by,
    namesOf(candidate),
    commandFor(candidate) ?? "its name can't be shown in one line",
  ]);
  printTable(out, rows, {
    header: ["NAME", "KIND", "BY", "CONTAINERS", "TAKE IN WITH"],
    fit: { keep: ["TAKE IN WITH"], drop: ["BY", "KIND", "CONTAINERS"] },
  });
  for (const candidate of candidates) {
    for (const note of candidate.notes) {
      out.notes(`${onOneLine(candidate.name)}: ${noteText(note)}`);
    }
  }
  out.notes(...leftOutLines(leftOut));
  for (const { name, changed: roles } of changed) {
    out.notes(
      `Stack ${quote(name)}: the configuration of ${roles.map((role) => quote(role)).join(", ")} ` +
        `changed since it was taken in. Take it in again: ${
          shellCommand(["tinyforge", "adopt"], [name]) ?? "tinyforge adopt"
        }`,
    );
  }
  if (candidates.length === 0) out.notes("Nothing that could be taken in runs here.");
  else if (candidates.length > 1) out.notes("All of them: tinyforge adopt --all");
  return EXIT.done;
}

/** The command that takes a candidate in; null when its name can't be shown. */
function commandFor({ name }: Pick<Candidate, "name">): string | null {
  return shellCommand(["tinyforge", "adopt"], [name]);
}

const MAX_NAMED = 3;

function namesOf({ containers }: Candidate): string {
  const names = containers.slice(0, MAX_NAMED).map(({ name, id }) =>
    onOneLine(name || id.slice(0, 12))
  );
  const more = containers.length - names.length;
  return [...names, ...more > 0 ? [`${more} more`] : []].join(", ");
}

function noteText(note: Note): string {
  switch (note.code) {
    case "renamed":
      return `its own name ${quote(note.from)} is taken`;
    case "several-directories":
      return `its containers come from ${note.directories.length} directories: ${
        note.directories.slice(0, MAX_NAMED).map((each) => quote(each, 128)).join(", ")
      }`;
    case "name-changes":
      return `its container ${quote(note.containerName)} gets another name with each deploy, ` +
        "and with it the claim ends";
    case "not-running":
      return "none of its containers runs";
    default:
      return onOneLine((note as { code: string }).code);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  "kubernetes": "it belongs to a Kubernetes pod",
  "infra": "it only holds a pod's namespaces open",
  "one-off": "it is a one-off of Compose, not the service",
  "nameless": "it has no name that could be claimed",
  "unknown-workload": "its label names a workload that is not registered",
  "unknown-site": "its label names a site that is not registered",
  "kind-mismatch": "its labels contradict what is registered",
  "workload-mismatch": "its row belongs to another workload",
  "awaiting-deployer": "its project's rows are a deployer's to make",
};

function leftOutLines(leftOut: readonly LeftOutContainer[]): string[] {
  return [...Map.groupBy(leftOut, ({ reason }) => reason)].map(([reason, those]) => {
    const names = those.slice(0, MAX_NAMED).map(({ container }) => quote(container));
    const more = those.length > names.length ? `, ${those.length - names.length} more` : "";
    const why = Object.hasOwn(REASONS, reason) ? REASONS[reason]! : onOneLine(reason);
    return `Left out: ${counted(those.length, "container")} (${why}): ${names.join(", ")}${more}`;
  });
}
