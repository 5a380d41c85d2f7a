/**
 * What is set up in the page: made, changed and removed there, in both languages, and kept as it was
 * said.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Locator, Page } from "playwright-core";
import { HEALTHY } from "../../src/store/channels.ts";
import { ENGLISH } from "../../src/web/words/en.ts";
import { RUSSIAN } from "../../src/web/words/ru.ts";
import { problem, writeProblems } from "../harness/problems.ts";
import type { TempServer } from "../harness/temp_server.ts";
import { until } from "../harness/until.ts";
import { browserTest } from "./chromium.ts";
import { dashboard } from "./dashboard.ts";
import { setScene } from "./scene.ts";

const LANGUAGES = [["en", ENGLISH], ["ru", RUSSIAN]] as const;

/** The items of a list of the API. */
// deno-lint-ignore no-explicit-any -- as JSON.parse
async function items({ ask }: TempServer, path: string): Promise<any[]> {
  return (await (await ask(path)).json()).items;
}

/** The section under a heading. */
function section(page: Page, name: string): Locator {
  return page.locator("main section", {
    has: page.getByRole("heading", { level: 2, name, exact: true }),
  });
}

/** Somebody who is told; 200 until it is to say otherwise. */
function receiving() {
  const state = { received: 0, answer: () => new Response("") };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    await request.body?.cancel();
    state.received++;
    return state.answer();
  });
  return Object.assign(state, {
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  });
}

/** Does what a dialog is there for, and waits until the server has said that it is done. */
async function submit(dialog: Locator, name: string): Promise<void> {
  await dialog.getByRole("button", { name, exact: true }).click();
  await dialog.waitFor({ state: "detached" });
}

for (const [language, t] of LANGUAGES) {
  const s = t.settings;

  browserTest(`a channel is added, changed and removed: ${language}`, async (browser) => {
    await using board = await dashboard(browser);
    setScene(board.server.store, Date.now());
    await using opened = await board.open("/settings", { language });
    const { page } = opened;
    const dialog = page.getByRole("dialog");
    const here = section(page, s.channels);
    await here.getByText(s.noChannels).waitFor();
    for (const [name, url] of [["mail", "https://m.example/x"], ["ops", "https://o.example/y"]]) {
      await here.getByRole("button", { name: s.addChannel }).click();
      await dialog.getByLabel(s.channelName).fill(name!);
      await dialog.getByLabel(s.channelUrl).fill(url!);
      if (name === "ops") await dialog.getByLabel(s.fallback).selectOption("mail");
      await submit(dialog, s.addChannel);
      await here.getByText(name!, { exact: true }).waitFor();
    }
    const named = async (name: string) =>
      (await items(board.server, "/api/channels")).find((each) => each.name === name);
    const [mail, ops] = [await named("mail"), await named("ops")];
    assertEquals([ops.name, ops.origin, ops.fallback], ["ops", "https://o.example", mail.id]);
    const line = here.locator("li", { hasText: "o.example" });
    await line.getByText(s.fallsBack("mail")).waitFor();

    await line.getByRole("button", { name: s.change }).click();
    assertEquals(await dialog.getByLabel(s.channelUrl).inputValue(), "", "an address was told");
    await dialog.getByLabel(s.channelName).fill("night");
    await dialog.getByLabel(s.channelUrl).fill("https://n.example/z");
    await dialog.getByLabel(s.fallback).selectOption("");
    await dialog.getByLabel(s.loopback).check();
    // As in any form.
    await dialog.getByLabel(s.channelName).press("Enter");
    await dialog.waitFor({ state: "detached" });
    await here.getByText("night", { exact: true }).waitFor();
    const changed = await named("night");
    assertEquals(
      [changed.id, changed.name, changed.origin, changed.fallback, changed.allowLoopback],
      [ops.id, "night", "https://n.example", null, true],
    );

    // What the server refuses is said, and nothing that was entered is lost.
    await here.locator("li", { hasText: "night" }).getByRole("button", { name: s.change }).click();
    await dialog.getByLabel(s.channelName).fill("mail");
    await dialog.getByRole("button", { name: s.save }).click();
    await page.locator(".toast.bad").waitFor();
    assertEquals(await dialog.getByLabel(s.channelName).inputValue(), "mail");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });

    await here.locator("li", { hasText: "night" }).getByRole("button", { name: s.remove }).click();
    await submit(dialog, s.remove);
    await until("it is gone", async () => await here.locator("li").count() === 1);
    assertEquals((await items(board.server, "/api/channels")).map(({ name }) => name), ["mail"]);
  });

  browserTest(`a test of a channel says what came of it, and why: ${language}`, async (browser) => {
    await using receiver = receiving();
    await using board = await dashboard(browser);
    await using opened = await board.open("/settings", { language });
    const { page } = opened;
    const dialog = page.getByRole("dialog");
    const here = section(page, s.channels);
    await here.getByRole("button", { name: s.addChannel }).click();
    await dialog.getByLabel(s.channelName).fill("ops");
    await dialog.getByLabel(s.channelUrl).fill(`http://127.0.0.1:${receiver.port}/hook`);
    await dialog.getByLabel(s.loopback).check();
    await submit(dialog, s.addChannel);
    await here.getByRole("button", { name: s.test }).click();
    await page.locator(".toast.good", { hasText: s.testDone("ops") }).waitFor();
    await here.getByText(s.channelState.ok).waitFor();
    assertEquals(receiver.received, 1);

    receiver.answer = () => new Response("not here", { status: 404 });
    await here.getByRole("button", { name: s.test }).click();
    const toast = page.locator(".toast.bad", { hasText: s.testFailed("ops", "").slice(0, -1) });
    await toast.getByText(`${s.testCauses.answer}: 404: not here`).waitFor();
    assertEquals(receiver.received, 2);
  });

  browserTest(
    `a channel that fails says since when and why, and is tried again: ${language}`,
    async (browser) => {
      await using board = await dashboard(browser);
      const { store } = board.server;
      const at = Date.now();
      store.channels.add(
        {
          id: "ops",
          name: "ops",
          type: "webhook",
          config: { origin: "https://o.example" },
          fallbackId: null,
        },
        { workloads: null, kinds: null, minSeverity: "high", remindAfterMs: null },
      );
      const deliveries = [{ channelId: "ops", queuedAt: at }];
      const notice = { id: "msg_1", kind: "test", content: "{}", subject: null, at, deliveries };
      store.notices.write({ lookedAt: at, notices: [notice] });
      const { seq } = store.notices.due("ops", at)!;
      const failed = {
        seq,
        channelId: "ops",
        state: "queued",
        status: 503,
        answer: "over capacity",
      } as const;
      const health = { ...HEALTHY, failingSince: at - 2 * 3_600_000, failures: 3 };
      store.notices.record(
        store.channels,
        { ...failed, nextAt: at + 3_600_000, endedAt: null },
        health,
      );
      await using opened = await board.open("/settings", { language });
      const { page } = opened;
      const line = section(page, s.channels).locator("li");
      await line.getByText(s.failing).waitFor();
      await line.getByText("503: over capacity").waitFor();
      await line.locator("time").waitFor();
      await line.getByRole("button", { name: s.retry }).click();
      await page.locator(".toast.good", { hasText: s.retried(1) }).waitFor();
      assert(store.notices.due("ops", Date.now() + 1000) !== undefined, "it is not tried now");
    },
  );

  browserTest(`a rule is added, changed and removed: ${language}`, async (browser) => {
    await using board = await dashboard(browser);
    const { server } = board;
    const scene = setScene(server.store, Date.now());
    for (const name of ["ops", "mail"]) {
      await server.send("POST", "/api/channels", { name, url: `https://${name}.example/x` });
    }
    // Each channel came with one.
    for (const { id } of await items(server, "/api/rules")) {
      await server.send("DELETE", `/api/rules/${id}`);
    }
    const channels = await items(server, "/api/channels");
    const idOf = (name: string) => channels.find((each) => each.name === name).id;
    await using opened = await board.open("/settings", { language });
    const { page } = opened;
    const dialog = page.getByRole("dialog");
    const here = section(page, s.rules);
    await here.getByText(s.noRules).waitFor();
    const group = (name: string) => dialog.getByRole("group", { name });
    const some = async (name: string, ...options: string[]) => {
      await group(name).getByRole("radio", { name: t.form.onlyThese }).check();
      for (const option of options) await group(name).getByLabel(option, { exact: true }).check();
    };

    await here.getByRole("button", { name: s.addRule }).click();
    await some(s.ruleKinds);
    await dialog.getByRole("button", { name: s.addRule }).click();
    await dialog.getByText(t.form.needOne).waitFor();
    await some(s.ruleKinds, t.problem.kinds.oom, s.channelBroken);
    await some(s.ruleWorkloads, "shop");
    await some(s.ruleChannels, "ops");
    await dialog.getByLabel(s.fromSeverity.low).check();
    await dialog.getByLabel(s.ruleReminds).selectOption("240");
    await submit(dialog, s.addRule);
    await here.getByText("→ ops").waitFor();
    const [rule] = await items(server, "/api/rules");
    const { id, ...told } = rule;
    assertEquals(told, {
      workloads: [scene.workloads["shop"]],
      kinds: ["oom", "channel-broken"],
      minSeverity: "low",
      channels: [idOf("ops")],
      remindAfterMs: 14_400_000,
    });

    await here.getByRole("button", { name: s.change }).click();
    assert(await group(s.ruleKinds).getByLabel(t.problem.kinds.oom).isChecked());
    assertEquals(await dialog.getByLabel(s.ruleReminds).inputValue(), "240");
    await group(s.ruleWorkloads).getByRole("radio", { name: s.allWorkloads }).check();
    await group(s.ruleChannels).getByLabel("ops", { exact: true }).uncheck();
    await group(s.ruleChannels).getByLabel("mail", { exact: true }).check();
    await dialog.getByLabel(s.ruleReminds).selectOption("");
    await submit(dialog, s.save);
    await here.getByText("→ mail").waitFor();
    assertEquals(await items(server, "/api/rules"), [{
      ...{ id, workloads: null, kinds: ["oom", "channel-broken"], minSeverity: "low" },
      ...{ channels: [idOf("mail")], remindAfterMs: null },
    }]);

    await here.getByRole("button", { name: s.remove }).click();
    await here.getByText(s.noRules).waitFor();
    assertEquals(await items(server, "/api/rules"), []);
  });

  browserTest(
    `one kind of problem is silenced, of a workload or of the host, and told again: ${language}`,
    async (browser) => {
      await using board = await dashboard(browser);
      const { server } = board;
      const { workloads } = setScene(server.store, Date.now());
      writeProblems(
        server.store,
        problem({ kind: "backup-failed", since: Date.now(), do: { code: "back-up" } }),
      );
      await using opened = await board.open("/", { language });
      const { page } = opened;
      const p = t.problem;
      const dialog = page.getByRole("dialog");
      const of = (kind: keyof typeof p.kinds) =>
        page.locator("article.problem", { hasText: p.kinds[kind] })
          .getByRole("button", { name: p.silence });
      const done = p.silence.replace("…", "");

      await of("crash-loop").click();
      await dialog.getByLabel(p.kinds["crash-loop"], { exact: true }).check();
      await submit(dialog, done);
      const name = `shop: ${p.kinds["crash-loop"]}`;
      await page.locator(".toast.good", { hasText: name }).waitFor();
      // What is no workload's is silenced by its kind: there is nothing to choose.
      await of("backup-failed").click();
      await dialog.getByRole("group", { name: p.silenceFor }).waitFor();
      assertEquals(await dialog.getByRole("group", { name: p.silenceWhat }).count(), 0);
      await submit(dialog, done);
      await of("unhealthy").click();
      await submit(dialog, done);
      const kept = await items(server, "/api/silences");
      const texts = kept.map(({ scope, target, kinds }) => `${scope} ${target} ${kinds}`);
      assertEquals(
        texts.sort(),
        [
          "all  backup-failed",
          `workload ${workloads["monitoring"]} null`,
          `workload ${workloads["shop"]} crash-loop`,
        ].sort(),
      );

      await page.goto(`${board.origin}/settings`);
      const here = section(page, s.silences);
      const shop = here.locator("li", { hasText: "shop" });
      await shop.getByText(p.kinds["crash-loop"], { exact: true }).waitFor();
      const host = here.locator("li", { hasText: p.kinds["backup-failed"] });
      assertEquals(await host.getByText(s.silenceAll).count(), 0);
      await host.getByRole("button", { name: s.end }).click();
      await host.waitFor({ state: "detached" });
      assertEquals((await items(server, "/api/silences")).length, 2);
    },
  );

  browserTest(
    `a token is made for as long as it is wanted, shown once: ${language}`,
    async (browser) => {
      await using board = await dashboard(browser);
      setScene(board.server.store, Date.now());
      await using opened = await board.open("/settings", { language });
      const { page } = opened;
      const dialog = page.getByRole("dialog");
      const here = section(page, s.tokens);
      const make = async (name: string, span: string) => {
        await here.getByRole("button", { name: s.addToken }).click();
        await dialog.getByLabel(s.tokenName).fill(name);
        await dialog.getByLabel(s.roles.deploy).check();
        await dialog.getByLabel(span, { exact: true }).check();
        await dialog.getByRole("button", { name: s.create }).click();
        const token = await dialog.locator("pre").innerText();
        await page.keyboard.press("Escape");
        await dialog.waitFor({ state: "detached" });
        assert(!(await page.content()).includes(token), "it is shown still");
        return token;
      };
      const token = await make("ci", t.problem.days(90));
      const answer = await fetch(`${board.origin}/api/session`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const { who, role } = await answer.json();
      assertEquals([who, role], ["ci", "deploy"]);
      await make("forever", s.endless);
      await here.getByText(s.never).waitFor();
      const [ci, forever] = await items(board.server, "/api/tokens");
      assertEquals(forever.expiresAt, null);
      const days = (Date.parse(ci.expiresAt) - Date.now()) / 86_400_000;
      assert(days > 89.9 && days <= 90, `${days} days`);
      const year = new Date(ci.expiresAt).getUTCFullYear();
      await here.getByText(new RegExp(`${s.expires("").trim()} .*${year}`)).waitFor();

      // The same token, for longer; one that is over can't be.
      const line = here.locator("li", { hasText: "deploy" }).first();
      await line.getByRole("button", { name: s.renew }).click();
      await dialog.getByText(s.renewTokenText).waitFor();
      await dialog.getByLabel(t.problem.days(365), { exact: true }).check();
      await submit(dialog, s.save);
      await page.locator(".toast.good", { hasText: s.saved("ci") }).waitFor();
      const [renewed] = await items(board.server, "/api/tokens");
      const longer = (Date.parse(renewed.expiresAt) - Date.now()) / 86_400_000;
      assert(renewed.id === ci.id && longer > 364.9 && longer <= 365, `${longer} days`);
      board.server.store.tokens.renew("ci", { expiresAt: Date.now() - 1000, now: 0 });
      await page.reload();
      const over = here.locator("li", { hasText: s.tokenIsOver("").split(":")[1]!.trim() });
      await over.waitFor();
      assertEquals(await over.getByRole("button").allInnerTexts(), [s.revoke]);
    },
  );

  browserTest(`what should run is set by hand, and as ever again: ${language}`, async (browser) => {
    await using board = await dashboard(browser);
    const { server } = board;
    const id = setScene(server.store, Date.now()).workloads["shop"]!;
    await using opened = await board.open(`/workloads/${id}`, { language });
    const { page } = opened;
    const w = t.workload;
    const dialog = page.getByRole("dialog");
    const here = section(page, w.expectations);
    await here.getByText(w.expectDefault).waitFor();
    const open = () => here.getByRole("button", { name: s.change }).click();

    await open();
    for (const [role, mode, count] of [["worker", "any", "3"], ["migrate", "completed", "1"]]) {
      await dialog.getByRole("button", { name: w.expectAdd }).click();
      await dialog.getByLabel(w.role, { exact: true }).last().fill(role!);
      await dialog.getByLabel(w.expectMode, { exact: true }).last().selectOption(mode!);
      await dialog.getByLabel(w.expectCount).last().fill(count!);
    }
    await dialog.getByLabel(w.expectCount).first().fill("many");
    await dialog.getByRole("button", { name: s.save }).click();
    await dialog.getByText(w.needCount).waitFor();
    await dialog.getByLabel(w.expectCount).first().fill("2");
    await dialog.getByLabel(w.expectImage).first().fill("registry.example/shop/worker:2024.11.3");
    await submit(dialog, s.save);
    await here.getByText("worker:2024.11.3").waitFor();
    const kept = async () =>
      (await items(server, `/api/workloads/${id}/expectations`))
        .map(({ role, mode, replicas, image, source }) => [role, mode, replicas, image, source]);
    assertEquals(await kept(), [
      ["migrate", "completed", 1, null, "manual"],
      ["worker", "any", 2, "registry.example/shop/worker:2024.11.3", "manual"],
    ]);
    assert(
      await here.locator("li", { hasText: "migrate" }).getByText(w.mode.completed).isVisible(),
    );

    await open();
    await dialog.getByRole("button", { name: `${w.expectForget}: worker` }).click();
    await submit(dialog, s.save);
    await here.locator("li", { hasText: "worker" }).waitFor({ state: "detached" });
    assertEquals(await kept(), [["migrate", "completed", 1, null, "manual"]]);
    await open();
    await dialog.getByRole("button", { name: `${w.expectForget}: migrate` }).click();
    await submit(dialog, s.save);
    await here.getByText(w.expectDefault).waitFor();
    assertEquals(await kept(), []);
  });
}
