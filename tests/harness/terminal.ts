/**
 * The program on a terminal, by script(1).
 *
 * @module
 */

import { DENO_ARGS, Running, type TestHost } from "./program.ts";

const HAS_SCRIPT = await new Deno.Command("script", { args: ["--version"] }).output()
  .then(({ success }) => success, () => false);

/** Runs a test on a terminal, or reports it as ignored where none can be made. */
export function terminalTest(name: string, fn: () => Promise<void>): void {
  const reason = HAS_SCRIPT ? "" : " (ignored: no script(1) here)";
  Deno.test({ name: name + reason, ignore: !HAS_SCRIPT, fn });
}

/** The program on a terminal of 60 by 10 characters. */
export function onTerminal(host: TestHost, ...args: string[]): Running {
  const words = [Deno.execPath(), ...DENO_ARGS, ...args].join(" ");
  return new Running(
    new Deno.Command("script", {
      args: [
        "--quiet",
        "--flush",
        "--return",
        "--command",
        `stty cols 60 rows 10; exec ${words}`,
        "/dev/null",
      ],
      clearEnv: true,
      env: { ...host.env, TERM: "xterm" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
}
