/**
 * Starts Docker's Engine where no service manager does: in containers and on bare test machines.
 * It goes on when the setup has ended. Must not stop or replace an Engine that is there.
 * Not part of the binary.
 *
 * @module
 */

const START_DEADLINE_MS = 60_000;
const POLL_MS = 200;
const PID_FILE = "/var/run/docker.pid";

/**
 * Starts dockerd and waits until `problem` answers null; else resolves with what is wrong. Needs
 * root.
 */
export async function startEngine(problem: () => Promise<string | null>): Promise<string | null> {
  if (await exists("/run/systemd/system")) {
    const { success, stderr } = await new Deno.Command("systemctl", {
      args: ["start", "docker"],
      stdin: "null",
    }).output();
    if (!success) return new TextDecoder().decode(stderr).trim();
    return await waitFor(problem, () => null);
  }
  const log = await logFile();
  await removeStalePidFile();
  // A session of its own: it must outlive the terminal and this process.
  const dockerd = new Deno.Command("setsid", {
    args: ["sh", "-c", 'exec dockerd >>"$0" 2>&1', log],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  dockerd.unref();
  let code: number | null = null;
  dockerd.status.then((status) => code = status.code);
  const left = await waitFor(
    problem,
    () => code === null ? null : `dockerd ended with code ${code}`,
  );
  return left === null ? null : `${left}\n${await lastLines(log)}\nits log is ${log}`;
}

async function waitFor(
  problem: () => Promise<string | null>,
  givenUp: () => string | null,
): Promise<string | null> {
  const deadline = performance.now() + START_DEADLINE_MS;
  for (;;) {
    const left = await problem();
    if (left === null) return null;
    const reason = givenUp();
    if (reason !== null) return reason;
    if (performance.now() > deadline) return `${left} (after ${START_DEADLINE_MS / 1000} s)`;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function logFile(): Promise<string> {
  const folder = await exists("/var/log") ? "/var/log" : "/var/lib";
  return `${folder}/dockerd.log`;
}

/**
 * A dockerd that was killed leaves its PID behind, and a new one refuses to start while any
 * process has that number.
 */
async function removeStalePidFile(): Promise<void> {
  const pid = (await Deno.readTextFile(PID_FILE).catch(() => "")).trim();
  if (!/^[1-9]\d*$/.test(pid)) return;
  // Through a program, because /proc is closed to a scoped process.
  const { stdout } = await new Deno.Command("cat", {
    args: [`/proc/${pid}/comm`],
    stderr: "null",
  }).output();
  if (new TextDecoder().decode(stdout).trim() !== "dockerd") await Deno.remove(PID_FILE);
}

async function lastLines(path: string): Promise<string> {
  const text = await Deno.readTextFile(path).catch(() => "");
  return text.trimEnd().split("\n").slice(-5).join("\n");
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}
