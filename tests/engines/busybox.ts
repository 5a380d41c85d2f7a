/**
 * The image of all tests: a static busybox and nothing else, made on the spot, since no registry
 * may be reached.
 *
 * @module
 */

import { run } from "./run.ts";

/** A tar archive with /bin/busybox and its commands, in `directory`. */
export async function busyboxArchive(directory: string): Promise<string> {
  const bin = `${directory}/root/bin`;
  await Deno.mkdir(bin, { recursive: true });
  await Deno.copyFile(await busybox(), `${bin}/busybox`);
  await Deno.chmod(`${bin}/busybox`, 0o755);
  for (const name of ["sh", "sleep", "true", "false", "echo", "cat", "test", "touch", "rm"]) {
    await Deno.symlink("busybox", `${bin}/${name}`);
  }
  const archive = `${directory}/busybox.tar`;
  await run("tar", ["-C", `${directory}/root`, "-cf", archive, "."]);
  return archive;
}

/** Path of the machine's busybox; throws without one. */
export async function busybox(): Promise<string> {
  for (const path of ["/bin/busybox", "/usr/bin/busybox"]) {
    if (await Deno.stat(path).catch(() => null)) return path;
  }
  throw new Error("Cannot make the test image: busybox is missing (package busybox-static)");
}
