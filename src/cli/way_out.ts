/**
 * What a person can do about a container that gets no row, or about a row that its container does
 * not claim. Chosen by reason; pure.
 *
 * @module
 */

import type { UnclaimedReason, UnindexedReason } from "../model/pass.ts";
import { shellWord } from "../shell_word.ts";

/** One line, lower case, without a period. What a label says is quoted for a shell. */
export function wayOut(reason: UnclaimedReason | UnindexedReason, value: string): string {
  return WAYS_OUT[reason](shellWord(value));
}

const WAYS_OUT: Readonly<
  Record<UnclaimedReason | UnindexedReason, (value: string) => string>
> = {
  "unknown-workload": (id) =>
    `take the id back with \`tinyforge add site|stack NAME --id ${id}\`, or make the container anew ` +
    "with what `tinyforge labels NAME` prints",
  "unknown-site": (id) =>
    `take the id back with \`tinyforge add site NAME --id ${id}\`, or make the container anew with ` +
    "what `tinyforge labels NAME` prints",
  "unknown-stack": (project) =>
    `register it: \`tinyforge add stack NAME --compose-project ${project}\``,
  "kind-mismatch": () => "make it anew with what `tinyforge labels NAME` prints",
  "workload-mismatch": () =>
    "make it anew with its workload's labels, or bind the row to another container with " +
    "`tinyforge container set ROW --container ID`",
  "awaiting-deployer": (id) =>
    `a project's rows are its deployer's to make: \`tinyforge container add ${id} --container ID\``,
  "one-off": () => "nothing: Compose ran it once, it serves nobody",
  "inherited": () =>
    "its labels came with the image; make it anew with what `tinyforge labels NAME` prints, if it " +
    "is a service",
  "unmanaged": () =>
    "make it anew with what `tinyforge labels NAME` prints, or register its Compose project with " +
    "`tinyforge add stack NAME --compose-project PROJECT`",
  "contended": (row) =>
    `nothing while it is being replaced: it gets row ${row} when the other stops; else give it a ` +
    "tinyforge.workload.role of its own",
  "other-row": (row) =>
    `its labels ask for row ${row}: remove this one with \`tinyforge container rm ROW\`, or bind it ` +
    "to another container",
};
