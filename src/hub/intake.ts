/**
 * What comes from many hosts at once, taken in together where each tells a little: a transaction, its
 * commit and its notice cost the same for fifty as for one. What can't be taken, or who is kept
 * waiting, is so by itself. Knows no HTTP.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import type { Announcements } from "./announcements.ts";
import { Gathered } from "./gathered.ts";
import { ingest, ingestTogether, type Message } from "./ingest.ts";
import type { Told } from "./protocol.ts";
import type { Sql } from "./sql.ts";

/** A message of more things than this, or longer ones, UTF-16 units, is taken in by itself. */
const LITTLE = 100;
const SHORT = 128 << 10;

/** So many transactions with what is little are under way at once … */
const TURNS = 2;
/** … each of so many hosts. */
const MOST = 100;

/** Takes in what hosts tell. */
export class Intake {
  readonly #sql: Sql;
  readonly #announcements: Announcements;
  readonly #little = new Gathered<Message, Told>((messages) => this.#takeTogether(messages), {
    ...{ keyOf: ({ hostId }) => hostId, turns: TURNS, most: MOST },
  });

  /** Into this database; who reads is told by `announcements`. */
  constructor(sql: Sql, announcements: Announcements) {
    this.#sql = sql;
    this.#announcements = announcements;
  }

  /** What is answered to it, once it is committed. */
  take(message: Message): Promise<Told> {
    return isLittle(message) ? this.#little.ask(message) : this.#takeAlone(message);
  }

  async #takeTogether(messages: readonly Message[]): Promise<(Told | Promise<Told>)[]> {
    try {
      const answers = await ingestTogether(this.#sql, messages, this.#announcements);
      // Where somebody else is at a host it is waited for, and nobody but that host waits.
      return answers.map((answer, i) => answer ?? this.#takeAlone(messages[i]!));
    } catch (error) {
      if (messages.length === 1 || !isOfOne(error)) throw error;
      // One of them can't be taken in, and whose that is shows when each is by itself.
      return messages.map((message) => this.#takeAlone(message));
    }
  }

  #takeAlone({ hostId, told }: Message): Promise<Told> {
    return ingest(this.#sql, hostId, told, this.#announcements);
  }
}

function isLittle({ told }: Message): boolean {
  if (told.kind !== "batch") return false;
  const { rows, gone, problems, problemsGone, workloads, happened } = told;
  const things = [...rows, ...problems, ...workloads ?? [], ...happened?.transitions ?? []];
  return things.length + gone.length + problemsGone.length <= LITTLE &&
    things.reduce((sum, { body }) => sum + body.length, 0) <= SHORT;
}

/** Whether something was refused, not whether it could be asked. */
function isOfOne(error: unknown): boolean {
  return error instanceof Failure || (error as Error).name === "PostgresError";
}
