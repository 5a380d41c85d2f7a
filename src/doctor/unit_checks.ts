/**
 * Whether Tinyforge and its Engine come back after a reboot: units as they are installed. Looks at
 * files, asks no service manager and changes nothing.
 *
 * @module
 */

import { readSmallFile } from "../system/files.ts";
import { type Finding, named } from "./finding.ts";

const UNIT = "/etc/systemd/system/tinyforge.service";
const WANTED = "/etc/systemd/system/multi-user.target.wants";
const SOCKETS_WANTED = "/etc/systemd/system/sockets.target.wants";

/** What {@link unitFindings} is told of a host's service manager. */
export interface UnitFacts {
  /** The unit as it is installed; null: it is not. */
  readonly installed: string | null;
  /** The unit as this program prints it; null where it can't be printed. */
  readonly printed: string | null;
  /** Whether it starts at boot. */
  readonly enabled: boolean;
  /** Whether Docker does; null where its unit is not there. */
  readonly dockerEnabled: boolean | null;
}

/** Reads what is installed; null where systemd does not run this host. */
export async function readUnits(printed: string | null): Promise<UnitFacts | null> {
  const isThere = (path: string) => Deno.lstat(path).then(() => true, () => false);
  if (!await isThere("/run/systemd/system")) return null;
  const docker = await isThere("/usr/lib/systemd/system/docker.service") ||
    await isThere("/lib/systemd/system/docker.service") ||
    await isThere("/etc/systemd/system/docker.service");
  return {
    installed: readSmallFile(UNIT),
    printed,
    enabled: await isThere(`${WANTED}/tinyforge.service`),
    dockerEnabled: docker
      ? await isThere(`${WANTED}/docker.service`) ||
        await isThere(`${SOCKETS_WANTED}/docker.socket`)
      : null,
  };
}

/** Whether Tinyforge and its Engine come back after a reboot, as this program would have them. */
export function unitFindings({ installed, printed, enabled, dockerEnabled }: UnitFacts): Finding[] {
  const found: Finding[] = [];
  const add = (finding: Omit<Finding, "group">) => found.push({ group: "host", ...finding });
  if (dockerEnabled === false) {
    add({
      code: "docker-not-enabled",
      severity: "warning",
      what: "neither docker.service nor docker.socket starts at boot",
      why: "no container comes back after a reboot, whatever its restart policy",
      do: "`systemctl enable docker`",
    });
  }
  if (installed === null) {
    add({
      code: "no-unit",
      severity: "info",
      what: `there is no unit ${UNIT}`,
      why: "the daemon does not come back after a reboot by itself",
      do:
        `\`tinyforge systemd > ${UNIT} && systemctl daemon-reload && systemctl enable --now tinyforge\``,
    });
    return found;
  }
  if (!enabled) {
    add({
      code: "unit-not-enabled",
      severity: "warning",
      what: "the unit is there and does not start at boot",
      why: "the daemon does not come back after a reboot",
      do: "`systemctl enable tinyforge`",
    });
  }
  const missing = printed === null ? [] : missingLines(installed, printed);
  if (missing.length > 0) {
    add({
      code: "unit-differs",
      severity: "warning",
      what: `the unit lacks what this version prints: ${named(missing)}`,
      why: "it is of another version, or was changed",
      do:
        `\`tinyforge systemd > ${UNIT} && systemctl daemon-reload && systemctl restart tinyforge\`, ` +
        "with the flags that it was printed with",
    });
  }
  return found;
}

/** What differs from host to host, by what it was printed with. */
const OF_THE_HOST =
  /^(?:After|Wants|Environment|ExecStart|User|DynamicUser|SupplementaryGroups|RuntimeDirectory|LoadCredential|StateDirectory|ReadWritePaths)=/;

function missingLines(installed: string, printed: string): string[] {
  const there = new Set(installed.split("\n").map((line) => line.trim()));
  return printed.split("\n").filter((line) =>
    line !== "" && !line.startsWith("#") && !OF_THE_HOST.test(line) && !there.has(line)
  );
}
