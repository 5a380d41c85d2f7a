/**
 * One process of the stress: acquires, says so, holds, says so, releases, over and over until it
 * is killed. Run with: directory, log, name, protocol, odds of killing itself at a step.
 *
 * @module
 */
import { LockDriver } from "../../src/lock/driver.ts";
import { isFailure } from "../../src/failure.ts";
import { acquireLock } from "../../src/lock/lock.ts";
import type { Step } from "../../src/lock/attempt.ts";
import { beginPlain, type Plain, plainAdvance, plainStep, releasePlain } from "./plain_protocol.ts";

const [directory = "", logPath = "", name = "", protocol = "ours", odds = "0"] = Deno.args;
const log = Deno.openSync(logPath, { append: true });

interface Held {
  stillHeld(): boolean;
  release(): void;
}

for (;;) {
  const held = protocol === "ours" ? await acquireOurs() : acquirePlain();
  if (held === null) {
    await pause(Math.random() * 40);
    continue;
  }
  say("enter");
  if (Math.random() < 0.5) await pause(Math.random() * 8);
  say(held.stillHeld() ? "in" : "lost");
  if (Math.random() < 20 * Number(odds)) die();
  say("leave");
  held.release();
  if (Math.random() < 0.3) await pause(Math.random() * 3);
}

async function acquireOurs(): Promise<Held | null> {
  try {
    const lock = await acquireLock(directory, { graceMs: 100, onStep: perhapsDie });
    return { stillHeld: () => lock.check().held, release: () => lock.release() };
  } catch (error) {
    if (isFailure(error, "lock-held")) return null;
    say(`error ${String(error)}`);
    throw error;
  }
}

function acquirePlain(): Held | null {
  const driver = new LockDriver(directory, { onStep: perhapsDie });
  const run = (plain: Plain): Plain => {
    for (let step = plainStep(plain); step !== null; step = plainStep(plain)) {
      if (step.op === "sleep") throw new Error("The plain protocol doesn't wait");
      plain = plainAdvance(plain, driver.perform(step));
    }
    return plain;
  };
  const plain = run(beginPlain(Deno.pid));
  if (plain.verdict === "acquired") {
    return { stillHeld: () => true, release: () => void run(releasePlain(plain)) };
  }
  driver.perform({ op: "close" });
  return null;
}

function perhapsDie(_step: Step): void {
  if (Math.random() < Number(odds)) die();
}

function die(): void {
  say("kill");
  Deno.kill(Deno.pid, "SIGKILL");
}

function say(what: string): void {
  log.writeSync(new TextEncoder().encode(`${what} ${name}\n`));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
