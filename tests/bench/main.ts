// deno-lint-ignore-file no-console -- a program, whose output is what it is for
/**
 * Every row of the targets, measured: `deno task bench [--json] [--only NAME]`. Exits with 1 when a
 * figure falls short of its target by more than a fifth.
 *
 * @module
 */

import { type Bench, type Figure, line, verdict } from "./figure.ts";

const only = Deno.args.includes("--only") ? Deno.args[Deno.args.indexOf("--only") + 1] : undefined;
const json = Deno.args.includes("--json");

// Each in its turn, and imported only then: what one leaves in memory must not slow the next.
const BENCHES: Readonly<Record<string, () => Promise<{ BENCHES: readonly Bench[] }>>> = {
  passes: () => import("./passes.ts"),
  events: () => import("./events.ts"),
  notify: () => import("./notify.ts"),
  listings: () => import("./listings.ts"),
  daemon: () => import("./daemon.ts"),
  endurance: () => import("./endurance.ts"),
  backups: () => import("./backups.ts"),
  adopting: () => import("./adopting.ts"),
  dashboard: () => import("./dashboard.ts"),
  hub: () => import("./hub.ts"),
};

const figures: Figure[] = [];
const skipped: { name: string; reason: string }[] = [];
const broken: { name: string; reason: string }[] = [];
for (const load of Object.values(BENCHES)) {
  for (const bench of (await load()).BENCHES) {
    if (only !== undefined && bench.name !== only) continue;
    const reason = await bench.missing?.() ?? null;
    if (reason !== null) {
      skipped.push({ name: bench.name, reason });
      if (!json) console.log(`skipped ${bench.name}: ${reason}`);
      continue;
    }
    // One that breaks must not take what the others measured with it.
    try {
      for (const figure of await bench.run()) {
        figures.push(figure);
        if (!json) console.log(line(figure));
      }
    } catch (error) {
      broken.push({ name: bench.name, reason: Deno.inspect(error) });
      console.error(`${bench.name} broke: ${Deno.inspect(error)}`);
    }
  }
}
const missed = figures.filter((figure) => verdict(figure) === "missed");
if (json) {
  const rows = figures.map((figure) => ({ ...figure, verdict: verdict(figure) }));
  console.log(JSON.stringify({ figures: rows, skipped, broken }));
} else if (figures.length === 0 && broken.length === 0) {
  console.error(`Cannot run bench ${JSON.stringify(only)}: no such bench, or skipped`);
} else {
  const judged = figures.filter((figure) => figure.target !== null).length;
  console.log(`${judged - missed.length} of ${judged} within a fifth of the target`);
}
Deno.exit(missed.length > 0 || broken.length > 0 || figures.length === 0 ? 1 : 0);
