import { assertEquals } from "@std/assert";
import { MemoryIndex } from "../../src/core/memory_index.ts";
import type { EngineEvent } from "../../src/docker/events.ts";
import { ToldHealth } from "../../src/reconcile/told_health.ts";
import { container, everything, only, row } from "../harness/world.ts";

function event(action: string, health: string | null = null): EngineEvent {
  return { action, containerId: "c1", name: "", health, exitCode: null, timeMs: null };
}

const nothing = new MemoryIndex([]);
const c1 = everything(container({ id: "c1" }));

/** The health of `c1` in the listing as it is completed. */
function healthOf(told: ToldHealth, listing = c1, index = nothing): string | null | undefined {
  return told.complete(listing, index).containers.find(({ id }) => id === "c1")?.health;
}

Deno.test("ToldHealth keeps what an event told until the container ends", () => {
  const told = new ToldHealth();
  assertEquals(healthOf(told), null);
  told.event(event("health_status", "unhealthy"));
  assertEquals([healthOf(told), healthOf(told)], ["unhealthy", "unhealthy"]);
  told.event(event("exec_die"));
  assertEquals(healthOf(told), "unhealthy");
  told.event(event("health_status", "healthy"));
  assertEquals(healthOf(told), "healthy");
  told.event(event("die"));
  assertEquals(healthOf(told), null);
});

Deno.test("ToldHealth gives no health to what does not live, and keeps what a listing tells", () => {
  const told = new ToldHealth();
  told.event(event("health_status", "unhealthy"));
  const one = (fields: Parameters<typeof container>[0]) => everything(container(fields));
  assertEquals(healthOf(told, one({ id: "c1", state: "exited" })), null);
  assertEquals(healthOf(told, one({ id: "c1", state: "paused" })), "unhealthy");
  assertEquals(healthOf(told, one({ id: "c1", health: "healthy" })), "healthy");
});

Deno.test("ToldHealth goes by the row for what was told before it was there", () => {
  const told = new ToldHealth();
  const index = new MemoryIndex([row({ id: "r", containerId: "c1", health: "unhealthy" })]);
  assertEquals(healthOf(told, c1, index), "unhealthy");
  // A new life: what the row says is of the old one.
  told.event(event("die"));
  told.event(event("start"));
  assertEquals(healthOf(told, c1, index), null);
});

Deno.test("ToldHealth forgets what a whole listing lacks, not what a part of one lacks", () => {
  const told = new ToldHealth();
  told.event(event("health_status", "unhealthy"));
  told.complete(only(["c2"], container({ id: "c2" })), nothing);
  assertEquals(healthOf(told), "unhealthy");
  told.complete(everything(container({ id: "c2" })), nothing);
  assertEquals(healthOf(told), null);
});
