/**
 * Keeps services from starting that come with packages of which only the program is wanted: a web
 * server would take port 80 of whoever runs the tests. Must not touch a service that was there.
 * Not part of the binary.
 *
 * @module
 */

/** What Debian's packages ask before they start a service. */
const POLICY = "/usr/sbin/policy-rc.d";

/** Where services are described. */
const UNITS: readonly string[] = [
  "/etc/systemd/system",
  "/run/systemd/system",
  "/usr/local/lib/systemd/system",
  "/usr/lib/systemd/system",
  "/lib/systemd/system",
];

/** How these services are kept from starting. */
export interface QuietOptions {
  /** Installs the packages that bring the services. */
  readonly install: () => Promise<void>;
  /** Where the system is, without a final slash, for tests; this one by default. */
  readonly root?: string;
}

/**
 * Installs packages without a start of the services (names of units without `.service`) that come
 * with them, now or at the next boot. Needs root.
 */
export async function installQuietly(
  services: readonly string[],
  { install, root = "" }: QuietOptions,
): Promise<void> {
  if (services.length === 0) return await install();
  const policy = `${root}${POLICY}`;
  const others = await Promise.all(services.map((service) => isThere(service, root)));
  const mine = await makePolicy(policy, policyText(services));
  try {
    await install();
  } finally {
    if (mine) await Deno.remove(policy);
  }
  const added = services.filter((_, i) => !others[i]);
  if (added.length === 0) return;
  // Where somebody else's policy let them start, they end.
  const where = root === "" ? ["--now"] : [`--root=${root}`];
  await new Deno.Command("systemctl", {
    args: ["--quiet", "disable", ...where, ...added],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output().catch(() => {});
}

/** Whether somebody has a service of this name already. */
async function isThere(service: string, root: string): Promise<boolean> {
  for (const folder of UNITS) {
    const path = `${root}${folder}/${service}.service`;
    if (await Deno.lstat(path).then(() => true, () => false)) return true;
  }
  return false;
}

/** Says no to these services and yes to all others: harmless if it is left by a killed setup. */
function policyText(services: readonly string[]): string {
  return `#!/bin/sh
${MARK}
for word in "$@"; do
  case "\${word%.service}" in ${services.join("|")}) exit 101 ;; esac
done
exit 0
`;
}

const MARK = "# Made by Tinyforge's setup for the time of an installation.";

/** Whether it was made: a policy of somebody else's goes on being asked alone. */
async function makePolicy(path: string, text: string): Promise<boolean> {
  const there = await Deno.readTextFile(path).catch(() => null);
  if (there?.includes(MARK)) await Deno.remove(path);
  else if (there !== null) return false;
  try {
    await Deno.writeTextFile(path, text, { createNew: true, mode: 0o755 });
  } catch {
    return false;
  }
  // The umask may have taken it from others, and the packages' scripts are no less root's than we.
  await Deno.chmod(path, 0o755);
  return true;
}
