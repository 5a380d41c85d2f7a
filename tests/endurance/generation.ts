/**
 * Containers that pass for one release: all of them are replaced at once, between two listings, so
 * that a pass that was written in part shows as two images.
 *
 * @module
 */

import type { FakeContainer } from "../engines/scripted_container.ts";
import type { Scene } from "./scene.ts";
import type { Thing } from "./thing.ts";

const SIZE = 150;
/** So long after they were made, milliseconds, containers are no longer read for that. */
const SETTLED_MS = 1500;

/** The release, once there is one. */
export class Generation {
  readonly #scene: Scene;
  #number = 0;
  #begunAt = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** Whether {@linkcode begin} was called. */
  get begun(): boolean {
    return this.#number > 0;
  }

  /** The image that all of its containers have. */
  get image(): string {
    return `generation:${this.#number}`;
  }

  /** Whether a container is one of it. */
  includes(container: FakeContainer): boolean {
    return container.image.startsWith("generation:");
  }

  /** Starts the containers, of a stack that nobody removes. */
  begin(stack: Thing): void {
    this.#number = 1;
    this.#begunAt = performance.now();
    for (let i = 0; i < SIZE; i++) {
      const labels = {
        "tinyforge.workload.id": stack.workloadId!,
        "tinyforge.workload.role": `g${i}`,
      };
      this.#scene.own(stack, { labels, image: this.image });
    }
  }

  /** Changes every image, if there are any and they have settled. */
  replace(): void {
    // Those that were just made are each read once more, alone.
    if (!this.begun || performance.now() - this.#begunAt < SETTLED_MS) return;
    this.#number++;
    for (const container of this.#scene.engine.containers.values()) {
      if (this.includes(container)) container.image = this.image;
    }
  }
}
