/**
 * Which workload a word on the command line means. Pure.
 *
 * @module
 */

import { type Workload, WORKLOAD_KINDS } from "../model/workload.ts";
import { CommandError } from "./command.ts";
import { quote } from "../text.ts";
import { nearest } from "./nearest.ts";

/** What is known of a workload here; its host, where there are several. */
export type NamedWorkload = Pick<Workload, "id" | "kind" | "name"> & { readonly host?: string };

/**
 * The workload that `text` means: `KIND/NAME`, else a name that one kind has, else an id.
 *
 * @param options `action`: what can't be done without it, as in "Cannot <action>: …".
 * @throws {CommandError} None, or several.
 */
export function resolveWorkload<W extends NamedWorkload>(
  workloads: readonly W[],
  text: string,
  options: { action: string },
): W {
  const [one, other, ...others] = resolveWorkloads(workloads, text, options);
  if (other !== undefined) {
    const named = [one!, other, ...others];
    const candidates = named.map((w) => w.host === undefined ? `${w.kind}/${w.name}` : w.id);
    throw new CommandError(
      `Cannot ${options.action}: ${quote(text)} is the name of ${named.length} workloads`,
      { hint: `say which: ${candidates.join(", ")}` },
    );
  }
  return one!;
}

/**
 * The same where several may be meant: of many hosts each may have one of that name.
 *
 * @throws {CommandError} None.
 */
export function resolveWorkloads<W extends NamedWorkload>(
  workloads: readonly W[],
  text: string,
  options: { action: string },
): readonly W[] {
  const [kind, name] = splitKind(text);
  const named = workloads.filter((w) => w.name === name && (kind === null || w.kind === kind));
  if (named.length > 0) return named;
  const byId = workloads.find((w) => w.id === text);
  if (byId !== undefined) return [byId];
  const meant = nearest(text, workloads.flatMap((w) => [w.name, `${w.kind}/${w.name}`]));
  throw new CommandError(`Cannot ${options.action}: no workload ${quote(text)}`, {
    code: "not-found",
    hint: meant === null
      ? workloads.some(({ host }) => host !== undefined)
        ? "`tinyforge list` shows them"
        : "`tinyforge list` shows them, `tinyforge add` makes one"
      : `did you mean ${quote(meant)}?`,
  });
}

/** `site/blog` → site, blog; a word without a kind in front stays as it is. */
function splitKind(text: string): [string | null, string] {
  const slash = text.indexOf("/");
  const kind = text.slice(0, Math.max(0, slash));
  // No name has a slash, so what stands before one is a kind or a mistake.
  return (WORKLOAD_KINDS as readonly string[]).includes(kind)
    ? [kind, text.slice(slash + 1)]
    : [null, text];
}
