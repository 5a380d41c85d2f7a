/**
 * A process that finds problems, of which one in each run is over soon, and tells them, to be killed
 * at any moment: `PATH SECRETS RUN`. Says a line when it is ready, and one for each problem. With the run `drain` it finds nothing, and ends when all was
 * delivered.
 *
 * @module
 */

import { SYSTEM_CLOCK } from "../../src/clock.ts";
import { Notifications } from "../../src/notify/notifications.ts";
import { SecretFile } from "../../src/notify/secret_file.ts";
import { openStore } from "../../src/store/store.ts";
import { Log } from "../../src/telemetry/log.ts";
import { writeProblems } from "../harness/problems.ts";
import { closed, opened } from "./telling.ts";

const [path, secrets, run] = Deno.args as [string, string, string];
const store = await openStore(path);
const notifications = new Notifications({
  store,
  secrets: new SecretFile(secrets),
  problems: (since) => store.problems.remembered(since),
  ...{ host: "nas", account: () => null },
  names: { workload: () => "shop", row: (id) => id },
  clock: SYSTEM_CLOCK,
  log: new Log({ level: "error" }),
  wording: { language: "en", timeZone: "UTC", baseUrl: null },
  proxy: null,
  onAttempt: () => {},
});
const stop = new AbortController();
const running = notifications.run(stop.signal);
await Deno.stdout.write(new TextEncoder().encode("ready\n"));
/** Those of runs that were killed among them, so that they are told across a kill. */
const open = store.problems.list().toReversed();
for (let i = 0; run !== "drain"; i++) {
  const problem = opened(`row-${run}-${i}`, Date.now(), { batch: "restart" });
  const over = i === 2 && open.length > 3 ? [closed(open.shift()!, Date.now())] : [];
  writeProblems(store, problem, ...over);
  open.push(problem);
  notifications.wake();
  await Deno.stdout.write(new TextEncoder().encode("found\n"));
  await SYSTEM_CLOCK.sleep(7, stop.signal);
}
// What is over waits for its like, and is told then.
while (!allTold()) await SYSTEM_CLOCK.sleep(20, stop.signal);
stop.abort();
await running;
store.close();

/** Whether all that began and all that is over was seen, and nobody is still to be told of it. */
function allTold(): boolean {
  const { notices, problems } = store;
  const seen = new Map(notices.notified().map(({ key, closedAt }) => [key, closedAt !== null]));
  return notices.queue().length + notices.unsettled().length === 0 &&
    problems.remembered(0).every(({ key, status }) => seen.get(key) === (status === "closed"));
}
