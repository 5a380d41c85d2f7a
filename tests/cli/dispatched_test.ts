/**
 * Commands that are told a container, or mean a project, of the Engine itself.
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { daemonHost, type EngineHost, engineHost } from "../harness/engine_host.ts";
import { until } from "../harness/until.ts";

/** A host with an Engine that a daemon follows, or nobody does. */
function made(daemon: boolean): Promise<EngineHost> {
  return daemon ? daemonHost({ withinMs: 60_000, events: true }) : engineHost();
}

for (const daemon of [true, false]) {
  const where = daemon ? "beside a daemon" : "without a daemon";

  Deno.test(`explain tells of any container which rule, which value and what to do, ${where}`, async () => {
    await using it = await made(daemon);
    const { host, engine } = it;
    await host.json("add", "site", "blog");
    const forged = engine.add({ name: "forged", labels: { "tinyforge.workload.id": "w-old" } });
    engine.add({ name: "bare" });
    engine.add({ name: "evil", labels: { "tinyforge.static-site": "$(touch /tmp/x) \\x" } });
    const explained = async (what: string) => {
      const { code, stdout, stderr } = await host.run("explain", what);
      assertEquals(code, 0, stderr);
      return stdout.replace(/ {2,}/g, " ");
    };
    await until(
      "the containers are known",
      async () => (await host.run("explain", "evil")).code === 0,
    );
    const id = forged.id.slice(0, 12);
    assertEquals(
      await explained("forged"),
      `container ${id} forged\n` +
        "row none: refused, there is no workload of this id\n" +
        'rule label tinyforge.workload.id, "w-old"\n' +
        "to do take the id back with `tinyforge add site|stack NAME --id w-old`, or make the " +
        "container anew with what `tinyforge labels NAME` prints\n",
    );
    assertEquals(await explained(id), await explained("forged"));
    assertMatch(
      await explained("bare"),
      /row none: unmanaged\nrule no label .*\nto do make it anew/,
    );
    assertMatch(await explained("evil"), /--id '\$\(touch \/tmp\/x\) \\x'`/);
    const { id: rowId, row, container, index } = await host.json("explain", "forged");
    assertEquals([rowId, row, container.containerId, container.reason, container.label], [
      ...[null, null, forged.id, "unknown-workload", "tinyforge.workload.id"],
    ]);
    assertEquals(index.fresh, daemon);
    const none = await host.run("explain", "bared");
    assertEquals([none.code, none.stdout], [1, ""]);
    assertStringIncludes(none.stderr, 'Cannot explain "bared": no such row or container');
  });

  Deno.test(`container add and set take a container's name or short id, ${where}`, async () => {
    await using it = await made(daemon);
    const { host, engine } = it;
    await host.json("add", "project", "api");
    const one = engine.add({ name: "api-one" });
    const two = engine.add({ name: "api-two" });
    // With no event to tell of them: the Engine is asked.
    const added = await host.json("container", "add", "api", "--id", "r", "--container", "api-one");
    assertEquals(added.containerId, one.id);
    const short = two.id.slice(0, 12);
    const changed = await host.json("container", "set", "r", "--container", short);
    assertEquals(changed.containerId, two.id);
    for (
      const [wrong, code, why] of [
        ["api", 1, "the Engine has none of that name or id"],
        ["0000", 1, "the Engine has none of that name or id"],
      ] as const
    ) {
      const refused = await host.run("container", "set", "r", "--container", wrong);
      assertEquals([refused.code, refused.stdout], [code, ""], refused.stderr);
      assertStringIncludes(refused.stderr, why);
    }
    engine.add({ id: `${two.id.slice(0, 60)}ffff`, name: "twin" });
    const several = await host.run("container", "set", "r", "--container", short);
    assertStringIncludes(several.stderr, "it means 2 containers\nhint: say which: api-two, twin");
    // A full id is taken as it is: its container may be on its way.
    const coming = "e".repeat(64);
    assertEquals(
      (await host.json("container", "set", "r", "--container", coming)).containerId,
      coming,
    );
    await engine.down();
    const unknown = await host.run("container", "set", "r", "--container", "api-one");
    assertEquals([unknown.code, unknown.stdout], [4, ""], unknown.stderr);
    assertEquals((await host.read((store) => store.views.get("r"))).containerId, coming);
  });

  Deno.test(`add stack takes the project of that name that runs, and says so, ${where}`, async () => {
    await using it = await made(daemon);
    const { host, engine } = it;
    const runs = (project: string) =>
      engine.add({
        labels: {
          "com.docker.compose.project": project,
          "com.docker.compose.service": "web",
          "com.docker.compose.config-hash": "x",
        },
      });
    for (const project of ["blog", "blog", "KAST", "tinyforge-both", "both"]) runs(project);
    if (daemon) await host.json("reconcile", "--once");
    const add = async (name: string, ...args: string[]) => {
      const { code, stderr } = await host.run("add", "stack", name, ...args);
      assertEquals(code, 0, stderr);
      const { items } = await host.json("list", "stacks");
      const added = items.find((item: { name: string }) => item.name === name);
      return [
        added.composeProjectName,
        /Took Compose project "(.*?)", .*\((.*?)\)/.exec(stderr)?.slice(1),
      ];
    };
    assertEquals(await add("blog"), ["blog", ["blog", "2 containers"]]);
    assertEquals(await add("KAST"), ["KAST", ["KAST", "1 container"]]);
    // Ours comes first, and whoever names one gets that.
    assertEquals(await add("both"), ["tinyforge-both", undefined]);
    assertEquals(await add("other", "--compose-project", "both"), ["both", undefined]);
    // Nobody's by now.
    assertEquals(await add("new"), ["tinyforge-new", undefined]);
    await engine.down();
    assertEquals(await add("later"), ["tinyforge-later", undefined]);
  });
}
