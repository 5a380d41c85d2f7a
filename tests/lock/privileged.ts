/**
 * Tests that only root can run: they mount file systems, become other users, make namespaces.
 *
 * @module
 */

const CI = Deno.env.get("CI") === "true";
const isRoot = Deno.uid() === 0;

/** Registers a test for root: ignored elsewhere, with the reason in its name; in CI it fails. */
export function testAsRoot(name: string, body: () => Promise<void>): void {
  const mayRun = isRoot || CI;
  Deno.test({
    name: mayRun ? name : `${name} (ignored: needs root)`,
    ignore: !mayRun,
    fn: body,
  });
}

/** Runs a command to its end; throws with what it said when it fails. */
export async function command(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (success) return;
  throw new Error(`Cannot ${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
