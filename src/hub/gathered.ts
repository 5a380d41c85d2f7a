/**
 * Does together what many ask for one at a time: what comes while as much as may be is under way waits
 * for the next turn, and what comes alone does not wait. Knows nothing of what is done.
 *
 * @module
 */

/** Does some of it; an answer for each, in their order, each of which may take its time. */
export type DoTogether<In, Out> = (all: readonly In[]) => Promise<readonly (Out | Promise<Out>)[]>;

/** How it is gathered. */
export interface GatheredOptions<In> {
  /** Of those with the same one no two are done together. */
  readonly keyOf: (asked: In) => string;
  /** So many turns are under way at once. */
  readonly turns: number;
  /** So many are done together. */
  readonly most: number;
}

/** Something that was asked, and its answer to come. */
export interface Waiting<In, Out> {
  /** What. */
  readonly asked: In;
  /** To be given when it is done. */
  readonly answer: PromiseWithResolvers<Out>;
}

/** Gathers what is asked. */
export class Gathered<In, Out> {
  readonly #act: DoTogether<In, Out>;
  readonly #o: GatheredOptions<In>;
  #waiting: Waiting<In, Out>[] = [];
  #turns = 0;

  /** When `act` rejects, so does all that it was given. */
  constructor(act: DoTogether<In, Out>, options: GatheredOptions<In>) {
    this.#act = act;
    this.#o = options;
  }

  /** Does it, with others. */
  ask(asked: In): Promise<Out> {
    const answer = Promise.withResolvers<Out>();
    this.#waiting.push({ asked, answer });
    void this.#turn();
    return answer.promise;
  }

  async #turn(): Promise<void> {
    if (this.#turns >= this.#o.turns) return;
    this.#turns++;
    // What is asked in the same breath belongs together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const { now, later } = onceEach(this.#waiting, this.#o);
      this.#waiting = later;
      await doTogether(now, this.#act);
    }
    this.#turns--;
  }
}

/** Those that can be done together now, the first of each key, and those that wait for the next time. */
export function onceEach<In, Out>(
  waiting: readonly Waiting<In, Out>[],
  { keyOf, most = Infinity }: Pick<GatheredOptions<In>, "keyOf"> & { readonly most?: number },
): { now: Waiting<In, Out>[]; later: Waiting<In, Out>[] } {
  const keys = new Set<string>();
  const now: Waiting<In, Out>[] = [];
  const later: Waiting<In, Out>[] = [];
  for (const each of waiting) {
    const key = keyOf(each.asked);
    const fits = now.length < most && !keys.has(key);
    (fits ? now : later).push(each);
    keys.add(key);
  }
  return { now, later };
}

/** Does them, and gives each its answer; when `act` rejects, so does each. Never rejects itself. */
export async function doTogether<In, Out>(
  all: readonly Waiting<In, Out>[],
  act: DoTogether<In, Out>,
): Promise<void> {
  try {
    const answers = await act(all.map(({ asked }) => asked));
    all.forEach(({ answer }, i) => answer.resolve(answers[i]!));
  } catch (error) {
    for (const { answer } of all) answer.reject(error);
  }
}
