/**
 * Something that a deployer makes: an entry, a stage, a row; and which states it may be in. Knows
 * neither how it is written nor where it stands.
 *
 * @module
 */

/** What the writers write. */
export type ThingKind = "project" | "stack" | "site" | "stage" | "row";

/** The columns of a thing as text, or null where it does not exist. */
export type ThingState = Readonly<Record<string, string>> | null;

/** Rows that a deployer made in these tests have ids that begin so. */
export const DEPLOYED = "row-";

/** Stands for a secret that was made and that nobody was told. */
export const UNTOLD = "(untold)";

/** Something that a writer made; one writer alone writes to it. */
export class Thing {
  readonly kind: ThingKind;
  /** Null until its creation was answered or found. */
  id: string | null;
  /** Id of its workload; null until known, and for stages and rows. */
  workloadId: string | null = null;
  /** The states it may be in: one, or two while a write is under way. */
  possible: ThingState[] = [null];
  /** Secrets that were replaced. */
  readonly spent: Set<string> = new Set();

  constructor(kind: ThingKind, id: string | null = null) {
    this.kind = kind;
    this.id = id;
  }

  /** The state it is in; throws while a write is under way. */
  get state(): ThingState {
    if (this.possible.length !== 1) throw new Error(`Cannot tell the state of ${this}: not known`);
    return this.possible[0]!;
  }

  /** For messages. */
  toString(): string {
    const named = this.possible.find((state) => state !== null);
    return `${this.kind} ${this.id ?? ""} ${JSON.stringify(named?.name ?? "")}`;
  }
}
