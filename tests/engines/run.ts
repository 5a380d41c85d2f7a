/**
 * Runs programs of the machine for tests: Docker's client, tar, mount. Knows none of them.
 *
 * @module
 */

/** Runs a program and returns what it printed, trimmed. Throws with its messages if it fails. */
export async function run(
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<string> {
  const { success, code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    stdin: "null",
    ...options,
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout).trim();
  throw new Error(
    `Cannot run ${command} ${args.join(" ")}: exit code ${code}: ${decoder.decode(stderr).trim()}`,
  );
}
