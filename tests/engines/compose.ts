/**
 * Compose as a program of its own, whose plugin form takes other arguments, on an Engine of a test.
 *
 * @module
 */

import { join } from "@std/path";
import { PrivateEngine, privateEngineTest } from "./private.ts";
import type { RealEngine } from "./real.ts";
import { run } from "./run.ts";
import { missing, STRICT } from "../harness/missing.ts";

/** The program's name; null where there is none. */
export const COMPOSE: string | null = await findCompose();

/** A service of a Compose file that runs for an hour, or `command`, and needs no network. */
export function serviceText(command = "sleep 3600"): string {
  return `{ image: 'tinyforge-test/busybox:1', command: ${command}, network_mode: none, ` +
    "stop_grace_period: 0s }";
}

/** A project with its files. */
export class ComposeProject {
  readonly #engine: RealEngine;
  /** What Compose calls it. */
  readonly name: string;
  /** Where its files lie. */
  readonly directory: string;
  /** Names of its files. */
  files: readonly string[] = ["docker-compose.yml"];

  constructor(engine: RealEngine, { name, directory }: { name: string; directory: string }) {
    this.#engine = engine;
    this.name = name;
    this.directory = directory;
  }

  /** Writes a file with these services, by name. */
  async write(services: Record<string, string>, file = this.files[0]!): Promise<void> {
    await Deno.mkdir(this.directory, { recursive: true });
    const lines = Object.entries(services).map(([name, text]) => `  ${name}: ${text}\n`);
    await Deno.writeTextFile(
      join(this.directory, file),
      `version: "2.4"\nservices:\n${lines.join("")}`,
    );
  }

  /** Runs Compose in the project's directory, as people do: with paths relative to it. */
  compose(...args: string[]): Promise<string> {
    const files = this.files.flatMap((file) => ["--file", file]);
    return run(COMPOSE!, ["--project-name", this.name, ...files, ...args], {
      env: { DOCKER_HOST: this.#engine.address },
      cwd: this.directory,
    });
  }
}

/**
 * Registers a test with an Engine of its own that has the test image, and with Compose. Without
 * either it is ignored with the reason in its name, or fails where `CI=true`.
 */
export function composeTest(name: string, test: (engine: PrivateEngine) => Promise<void>): void {
  if (COMPOSE === null) return missing(name, "docker-compose is not installed");
  privateEngineTest(name, async () => {
    await using engine = await PrivateEngine.start();
    await engine.image();
    await test(engine);
  });
}

async function findCompose(): Promise<string | null> {
  try {
    await run("docker-compose", ["version", "--short"]);
    return "docker-compose";
  } catch (error) {
    if (STRICT && !(error instanceof Deno.errors.NotFound)) throw error;
    return null;
  }
}
