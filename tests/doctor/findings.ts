/**
 * What `tinyforge doctor` says, as tests read it, and the commands that it prints. Finds nothing
 * itself.
 *
 * @module
 */

import type { Finding } from "../../src/doctor/finding.ts";
import type { Ran } from "../harness/program.ts";

/** What was found, and the exit code. */
export interface Examined {
  readonly code: number;
  readonly findings: readonly Finding[];
}

/** What a run of `doctor --json` found. */
export function examined({ code, stdout, stderr }: Ran): Examined {
  if (code !== 0 && code !== 3) throw new Error(`doctor ended with ${code}: ${stderr}`);
  return { code, findings: JSON.parse(stdout).findings };
}

/** The codes of what was found. */
export function codesOf({ findings }: Pick<Examined, "findings">): string[] {
  return findings.map(({ code }) => code);
}

/** What has this code; throws where nothing has. */
export function theFinding({ findings }: Pick<Examined, "findings">, code: string): Finding {
  const found = findings.find((each) => each.code === code);
  if (found === undefined) throw new Error(`no ${code} in ${JSON.stringify(findings)}`);
  return found;
}

/** The commands that a finding prints, in order. */
export function commandsOf({ do: remedy }: Finding): string[] {
  return [...remedy.matchAll(/`([^`]+)`/g)].map(([, command]) => command!);
}
