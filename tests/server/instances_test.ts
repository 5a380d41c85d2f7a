/**
 * Rows addressed through project and stage.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { type TempServer, tempServer } from "../harness/temp_server.ts";

Deno.test("an instance is found by ids, by names and by a mixture", async () => {
  await using server = await tempServer();
  const { app, live } = world(server);
  for (const project of [app.id, "app"]) {
    for (const stage of [live.id, "live"]) {
      const response = await server.ask(`/api/instances/${project}/${stage}/row`);
      assertEquals((await response.json()).id, "row");
    }
  }
});

Deno.test("an instance of before stages had ids is found by its role", async () => {
  await using server = await tempServer();
  world(server);
  const response = await server.send("PATCH", "/api/instances/app/live/legacy", { imageTag: "2" });
  assertEquals(response.status, 200);
  await response.body?.cancel();
  assertEquals(server.store.views.get("legacy").imageTag, "2");
});

Deno.test("instances addressed through the wrong project or stage change nothing", async () => {
  await using server = await tempServer();
  const { app, other, live, otherLive } = world(server);
  const before = { rows: server.store.views.list(), version: server.store.version() };
  const wrong = [
    "/api/instances/other/live/row",
    `/api/instances/${other.id}/${otherLive.id}/row`,
    // A stage of another project, though the row's own.
    `/api/instances/other/${live.id}/row`,
    `/api/instances/${app.id}/${otherLive.id}/row`,
    "/api/instances/app/preview/row",
    "/api/instances/app/preview/legacy",
    "/api/instances/other/live/legacy",
    // Bound to a stage by id, whatever its role says.
    "/api/instances/app/preview/moved-role",
    "/api/instances/app/nowhere/row",
    "/api/instances/nobody/live/row",
    "/api/instances/app/live/nothing",
    // Rows of other kinds, ids instead of names of workloads.
    "/api/instances/shop/live/stack-row",
    `/api/instances/${app.workloadId}/live/row`,
    "/api/instances/../../row",
    "/api/instances/app/live/%2e%2e",
  ];
  for (const path of wrong) {
    for (
      const [method, body] of [["GET"], ["PATCH", { subdomain: "taken" }], ["DELETE"]] as const
    ) {
      const response = await server.send(method, path, body);
      assertEquals([method, path, response.status], [method, path, 404]);
      await response.body?.cancel();
    }
  }
  assertEquals({ rows: server.store.views.list(), version: server.store.version() }, before);
  assertEquals(server.passesRequested, 0);
});

Deno.test("a stage's id is taken before another stage's name", async () => {
  await using server = await tempServer();
  const { app, live } = world(server);
  server.store.stages.create(app.id, { name: live.id });
  const response = await server.ask(`/api/instances/app/${live.id}/row`);
  assertEquals((await response.json()).stageId, live.id);
});

Deno.test("DELETE of an instance removes that row alone", async () => {
  await using server = await tempServer();
  world(server);
  const response = await server.send("DELETE", "/api/instances/app/live/row");
  assertEquals(response.status, 204);
  const left = server.store.views.list().map(({ id }) => id);
  assertEquals(left, ["legacy", "moved-role", "other-row", "stack-row"]);
});

/** Two projects with a stage of the same name each, and a stack. */
function world({ store }: TempServer) {
  const app = store.registry.create("project", { name: "app" }).entry;
  const other = store.registry.create("project", { name: "other" }).entry;
  const shop = store.registry.create("stack", { name: "shop", composeProjectName: "shop" }).entry;
  const live = store.stages.create(app.id, { name: "live", maxInstances: 2 });
  store.stages.create(app.id, { name: "preview" });
  const otherLive = store.stages.create(other.id, { name: "live" });
  const save = store.deployed.saveDeployedContainer.bind(store.deployed);
  save({ id: "row", workloadId: app.workloadId, stageId: live.id });
  save({ id: "legacy", workloadId: app.workloadId, role: "live" });
  save({ id: "moved-role", workloadId: app.workloadId, stageId: live.id, role: "preview" });
  save({ id: "other-row", workloadId: other.workloadId, stageId: otherLive.id });
  save({ id: "stack-row", workloadId: shop.workloadId, role: "live" });
  return { app, other, live, otherLive };
}
