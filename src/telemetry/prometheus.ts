/**
 * Counters, gauges and histograms with labels, and how they are written in Prometheus' text
 * format 0.0.4.
 * Knows no metric by name: what the program counts is defined in `metrics.ts`.
 *
 * @module
 */

/** Label values by label name; none for a metric without labels. */
export type Labels<Name extends string> = { readonly [name in Name]: string };

/** Labels as a last argument: absent where a metric has none. */
export type LabelArgument<Name extends string> = [Name] extends [never] ? []
  : [labels: Labels<Name>];

/** How a metric is set up. */
export interface MetricOptions<Name extends string> {
  /** Known values of each label; their combinations exist at zero from the start. */
  readonly labels?: { readonly [name in Name]: readonly string[] };
  /** Whether other label values get series of their own. Default: they count as `other`. */
  readonly open?: boolean;
}

/** Something that can be scraped. */
export interface Metric {
  /** HELP, TYPE and one line for each series. */
  render(): string;
}

/** Label values are bounded in number by `open`, and here in length. */
const MAX_LABEL_LENGTH = 128;

/** The series of one metric: a value by label values. */
class Series<Name extends string, Value> {
  readonly #names: readonly Name[];
  readonly #known: readonly ReadonlySet<string>[];
  readonly #open: boolean;
  readonly #initial: () => Value;
  readonly #values = new Map<string, Value>();

  constructor({ labels, open = false }: MetricOptions<Name>, initial: () => Value) {
    this.#names = Object.keys(labels ?? {}) as Name[];
    const known = this.#names.map((name) => labels![name]);
    this.#known = known.map((values) => new Set(values));
    this.#open = open;
    this.#initial = initial;
    for (const values of combinations(known)) this.#values.set(this.#key(values), initial());
  }

  get(labels: Labels<Name> | undefined): Value {
    const key = this.#keyOf(labels);
    const value = this.#values.get(key) ?? this.#initial();
    this.#values.set(key, value);
    return value;
  }

  set(labels: Labels<Name> | undefined, value: Value): void {
    this.#values.set(this.#keyOf(labels), value);
  }

  setAll(value: Value): void {
    for (const key of this.#values.keys()) this.#values.set(key, value);
  }

  entries(): Iterable<[string, Value]> {
    return this.#values.entries();
  }

  #keyOf(labels: Labels<Name> | undefined): string {
    return this.#key(this.#names.map((name, i) => {
      const value = String(labels?.[name] ?? "");
      return this.#open || this.#known[i]!.has(value) ? value : "other";
    }));
  }

  /** The labels as they are written: the key is what is shown. */
  #key(values: readonly string[]): string {
    return this.#names
      .map((name, i) => `${name}="${escapeLabel(values[i]!.slice(0, MAX_LABEL_LENGTH))}"`)
      .join(",");
  }
}

/** A number that only grows. */
export class Counter<Name extends string = never> implements Metric {
  readonly #header: string;
  readonly #name: string;
  readonly #series: Series<Name, number>;

  /** A counter at zero. */
  constructor(name: string, help: string, options: MetricOptions<Name> = {}) {
    this.#name = name;
    this.#header = header(name, help, "counter");
    this.#series = new Series(options, () => 0);
  }

  /** Adds one. */
  inc(...labels: LabelArgument<Name>): void {
    this.add(1, ...labels);
  }

  /** Adds an amount; a negative one throws `RangeError`. */
  add(amount: number, ...[labels]: LabelArgument<Name>): void {
    if (!(amount >= 0)) {
      throw new RangeError(`Cannot add ${amount} to ${this.#name}: it only grows`);
    }
    this.#series.set(labels, this.#series.get(labels) + amount);
  }

  /** Its text. */
  render(): string {
    return this.#header + lines(this.#name, this.#series.entries());
  }
}

/** A number that goes up and down. */
export class Gauge<Name extends string = never> implements Metric {
  readonly #header: string;
  readonly #name: string;
  readonly #series: Series<Name, number>;

  /** A gauge at zero; `type` is for numbers that only grow but are read, not counted. */
  constructor(
    name: string,
    help: string,
    options: MetricOptions<Name> & { readonly type?: "gauge" | "counter" } = {},
  ) {
    this.#name = name;
    this.#header = header(name, help, options.type ?? "gauge");
    this.#series = new Series(options, () => 0);
  }

  /** Sets one series. */
  set(value: number, ...[labels]: LabelArgument<Name>): void {
    this.#series.set(labels, value);
  }

  /** Adds to one series; what has no series of its own adds up in `other`. */
  add(amount: number, ...[labels]: LabelArgument<Name>): void {
    this.#series.set(labels, this.#series.get(labels) + amount);
  }

  /** Sets every series to zero, so that what is no longer there does not stay. */
  reset(): void {
    this.#series.setAll(0);
  }

  /** Its text. */
  render(): string {
    return this.#header + lines(this.#name, this.#series.entries());
  }
}

interface Distribution {
  /** How many fell into each bucket, not cumulated. */
  readonly counts: number[];
  sum: number;
}

/** How often a measured value fell under each bound. */
export class Histogram<Name extends string = never> implements Metric {
  readonly #header: string;
  readonly #name: string;
  readonly #bounds: readonly number[];
  readonly #series: Series<Name, Distribution>;

  /** An empty histogram; `buckets` are upper bounds, ascending, without infinity. */
  constructor(
    name: string,
    help: string,
    options: MetricOptions<Name> & { readonly buckets: readonly number[] },
  ) {
    this.#name = name;
    this.#header = header(name, help, "histogram");
    this.#bounds = options.buckets;
    this.#series = new Series(options, () => ({
      counts: new Array<number>(options.buckets.length + 1).fill(0),
      sum: 0,
    }));
  }

  /** Counts one value; what is not a number is left out. */
  observe(value: number, ...[labels]: LabelArgument<Name>): void {
    if (Number.isNaN(value)) return;
    const distribution = this.#series.get(labels);
    const bucket = this.#bounds.findIndex((bound) => value <= bound);
    distribution.counts[bucket === -1 ? this.#bounds.length : bucket]! += 1;
    distribution.sum += value;
  }

  /** Its text. */
  render(): string {
    let text = this.#header;
    for (const [labels, { counts, sum }] of this.#series.entries()) {
      let total = 0;
      const buckets: [string, number][] = counts.map((count, i) => {
        const bound = `le="${number(this.#bounds[i] ?? Infinity)}"`;
        return [labels === "" ? bound : `${labels},${bound}`, total += count];
      });
      text += lines(`${this.#name}_bucket`, buckets) + lines(`${this.#name}_sum`, [[labels, sum]]) +
        lines(`${this.#name}_count`, [[labels, total]]);
    }
    return text;
  }
}

function header(name: string, help: string, type: string): string {
  const escaped = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return `# HELP ${name} ${escaped}\n# TYPE ${name} ${type}\n`;
}

function lines(name: string, series: Iterable<readonly [string, number]>): string {
  let text = "";
  for (const [labels, value] of series) {
    text += `${name}${labels === "" ? "" : `{${labels}}`} ${number(value)}\n`;
  }
  return text;
}

function number(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** Every combination of one value from each list; one empty combination of no lists. */
function combinations(lists: readonly (readonly string[])[]): string[][] {
  return lists.reduce<string[][]>(
    (heads, list) => heads.flatMap((head) => list.map((value) => [...head, value])),
    [[]],
  );
}
