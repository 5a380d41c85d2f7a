/**
 * A host with several users: the program run as each of them, with empty /var/lib and /run of the
 * test's own. Needs root; what it mounts is seen by its processes alone and goes with it.
 *
 * @module
 */

import { fromFileUrl, join } from "@std/path";
import { DENO_ARGS, MAIN, type Ran, Running } from "./program.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** No command takes as long, unless it hangs. */
const RUNS_AT_MOST_MS = 60_000;

/** Who runs a program. */
export interface User {
  /** User id, and that of its group. */
  readonly id: number;
  /** Ids of other groups. */
  readonly groups?: readonly number[];
}

/** The host. */
export class SharedHost implements AsyncDisposable {
  /** A directory that everybody may look into. */
  readonly dir: string;
  /** What every program finds in its environment. */
  readonly env: Record<string, string>;
  readonly #mounts: Deno.ChildProcess;
  readonly #running: Running[] = [];

  private constructor(dir: string, mounts: Deno.ChildProcess) {
    this.dir = dir;
    this.#mounts = mounts;
    this.env = {
      PATH: Deno.env.get("PATH")!,
      DENO_DIR: join(dir, "cache"),
      DENO_SQLITE_PATH: Deno.env.get("DENO_SQLITE_PATH") ?? "libsqlite3.so.0",
      TINYFORGE_DOCKER_HOST: `unix://${join(dir, "no-engine.sock")}`,
    };
  }

  /** A host without data. */
  static async make(): Promise<SharedHost> {
    const dir = await Deno.makeTempDir({ prefix: "tinyforge-users-" });
    await Deno.chmod(dir, 0o755);
    for (const name of ["cache", "program"]) await Deno.mkdir(join(dir, name));
    await Deno.writeTextFile(join(dir, "deno"), "");
    const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] })
      .output();
    const { denoDir } = JSON.parse(new TextDecoder().decode(stdout));
    // Where this user keeps the runtime and its cache others may not look; as they are mounted
    // here, they may.
    const script = 'mount --bind "$1" "$0/deno" && mount --bind "$2" "$0/cache" && ' +
      'mount --bind "$3" "$0/program" && mount -t tmpfs -o mode=755 tmpfs /var/lib && ' +
      "mount -t tmpfs -o mode=755 tmpfs /run && echo ready && exec sleep infinity";
    const mounts = new Deno.Command("unshare", {
      args: ["--mount", "sh", "-c", script, dir, Deno.execPath(), denoDir, ROOT],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = mounts.stdout.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    if (value === undefined) throw new Error("Cannot mount: see above");
    return new SharedHost(dir, mounts);
  }

  /** Runs tinyforge to its end; one that has none is killed, with code 143. */
  async run(user: User, ...args: string[]): Promise<Ran> {
    const signal = AbortSignal.timeout(RUNS_AT_MOST_MS);
    return decoded(await (await this.#command(user, args, { signal })).output());
  }

  /** Runs `sh`, to which `tinyforge` is a command, to its end; as long as {@linkcode run}. */
  async shell(user: User, script: string, env: Record<string, string> = {}): Promise<Ran> {
    const bin = join(this.dir, "bin");
    await Deno.mkdir(bin, { recursive: true });
    const words = [join(this.dir, "deno"), ...this.#program()].map((word) => `'${word}'`).join(" ");
    const text = `#!/bin/sh\nexec ${words} "$@"\n`;
    await Deno.writeTextFile(join(bin, "tinyforge"), text, { mode: 0o755 });
    const path = `${bin}:${this.env["PATH"]}`;
    const command = this.command(user, ["sh", "-eu", "-c", script], {
      env: { ...env, PATH: path },
      signal: AbortSignal.timeout(RUNS_AT_MOST_MS),
    });
    return decoded(await command.output());
  }

  /** Starts tinyforge; ended with this host at the latest. */
  async start(user: User, args: string[], env: Record<string, string> = {}): Promise<Running> {
    const running = new Running((await this.#command(user, args, { env })).spawn());
    this.#running.push(running);
    return running;
  }

  /** A program that sees what this host's do. */
  command(
    user: User,
    program: readonly string[],
    { env = {}, signal }: { env?: Record<string, string>; signal?: AbortSignal } = {},
  ): Deno.Command {
    const { id, groups = [] } = user;
    return new Deno.Command("nsenter", {
      args: [
        `--mount=/proc/${this.#mounts.pid}/ns/mnt`,
        ...["setpriv", `--reuid=${id}`, `--regid=${id}`],
        groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`,
        ...program,
      ],
      clearEnv: true,
      env: { ...this.env, HOME: this.home(user), ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...(signal && { signal }),
    });
  }

  /** That user's home directory. */
  home({ id }: User): string {
    return join(this.dir, `home-${id}`);
  }

  /** Ends what runs and removes the directory. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#running) await running[Symbol.asyncDispose]();
    this.#mounts.kill("SIGKILL");
    await this.#mounts.status;
    await Deno.remove(this.dir, { recursive: true });
  }

  async #command(
    user: User,
    args: readonly string[],
    options: { env?: Record<string, string>; signal?: AbortSignal },
  ): Promise<Deno.Command> {
    const home = this.home(user);
    if (await Deno.stat(home).catch(() => null) === null) {
      await Deno.mkdir(home, { mode: 0o700 });
      await Deno.chown(home, user.id, user.id);
    }
    return this.command(user, [join(this.dir, "deno"), ...this.#program(), ...args], options);
  }

  /** What comes before the program's own arguments. */
  #program(): string[] {
    const main = join(this.dir, "program/main.ts");
    return DENO_ARGS.map((word) => word === MAIN ? main : word);
  }
}

function decoded({ code, stdout, stderr }: Deno.CommandOutput): Ran {
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, stdout: out!, stderr: err! };
}
