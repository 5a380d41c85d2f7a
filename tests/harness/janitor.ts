/**
 * Cleans up after a test's private processes, also when the test runner itself was killed: a
 * process of its own that waits for its starter's end.
 *
 * @module
 */

// The folder comes in by the environment, so that the janitor does not find itself by it.
const SCRIPT = `
cat >/dev/null
[ -d "$DIRECTORY" ] || exit 0
for process in /proc/[0-9]*; do
  if tr '\\0' '\\n' <$process/cmdline | grep -qF "$DIRECTORY/" ||
    awk '$5 == "/"' $process/mountinfo | grep -qF "$DIRECTORY/"
  then kill -9 \${process#/proc/}
  fi
done 2>/dev/null
awk '{ print $2 }' /proc/self/mounts | grep -F "$DIRECTORY/" | sort -r | xargs -r -n1 umount -l
rm -rf "$DIRECTORY"
`;

/** Waits for the end of this process, or for its disposal; then nothing of a folder is left. */
export class Janitor implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;

  /**
   * When the time comes, kills the processes that name a file within `directory` in their command
   * line or have their root there, unmounts what is mounted below it, and removes it. It must be a
   * temp directory that no other process has to do with.
   */
  constructor(directory: string) {
    if (!/^\/.+\/tf[a-z]+[^/]{8,}$/.test(directory)) {
      throw new TypeError(`Cannot clean up ${directory}: not a test's own directory`);
    }
    this.#process = new Deno.Command("sh", {
      // A session of its own, since Deno kills its children when it ends and Ctrl-C the others.
      args: ["-c", 'exec 3<&0; setsid sh -c "$0" <&3 & wait', SCRIPT],
      env: { DIRECTORY: directory },
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** Resolves when it is done. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stdin.close();
    await this.#process.status;
  }
}
