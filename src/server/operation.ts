/**
 * What one route does: schemas of what goes in and comes out, and the function between them. The
 * schemas validate, type the function's argument and describe the route in the OpenAPI document.
 *
 * @module
 */

import type { Wanted } from "../core/judged_world.ts";
import type { ExaminedIndex } from "../doctor/index_checks.ts";
import type { Feed } from "../feed.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { IndexRow, ListedContainer } from "../model/container.ts";
import type { ContainerDetails } from "../model/details.ts";
import type { IndexReader, Soon } from "../model/index_reader.ts";
import type { PastPort } from "../model/past_port.ts";
import type { Dispatched, PassReport } from "../model/pass.ts";
import type { DaemonStatus } from "../model/views.ts";
import type { Who } from "../model/access.ts";
import type { Entrance } from "./access.ts";
import type { AccessPort } from "./access_port.ts";
import type { Credentials, Principal } from "./credentials.ts";
import type { FailedLogins } from "./failed_logins.ts";
import type { LoginLimit } from "./login_limit.ts";
import type { Written } from "../model/written.ts";
import type { KeptChannel } from "../store/channels.ts";
import type { RouteSettings } from "../setting_values.ts";
import type { Store } from "../store/store.ts";
import type { Live } from "./live.ts";
import type { RateLimit } from "./rate_limit.ts";
import type { SilencesPort, TellingPort, TestOutcome } from "./telling_port.ts";

/** Checks values and describes them in the document; zod stays behind it. */
export interface Schema<out Value> {
  /** The value, defaults filled in. Throws what is wrong with it. */
  parse(value: unknown): Value;
}

/** What the server is given; it constructs none of it. */
export interface ServerDeps {
  /** The open store. */
  readonly store: Store;
  /** Says what was written. */
  readonly feed: Feed<Written>;
  /** Counts requests, and is what `/metrics` shows. */
  readonly metrics: Metrics;
  /** Where requests and faults are logged. */
  readonly log: Log;
  /** What the daemon says of itself; null where none runs. */
  readonly status: (() => DaemonStatus) | null;
  /** The part of it that probes ask for, often and without a token: must be cheap. */
  readiness(): Pick<DaemonStatus, "ready" | "lastPass" | "index">;
  /** A full pass now; null where no daemon runs. */
  readonly reconcileNow: (() => Promise<PassReport>) | null;
  /** Is told of what the judge of problems can't see for itself. */
  readonly problems: ProblemsPort;
  /** Takes channels in and tries them. */
  readonly notify: NotifyPort;
  /** What the Engine lists at this moment; rejects with a Failure when it can't be asked. */
  listContainers(): Promise<readonly ListedContainer[]>;
  /** What the Engine tells of one container beyond that; null: it is not there. Rejects as that does. */
  inspectContainer(id: string): Promise<ContainerDetails | null>;
  /** The daily backups: null where none are asked for, else when the last was checked, or null. */
  backups(): Promise<ExaminedIndex["backups"]>;
  /**
   * What became of the containers that an id, its beginning or a name means. Asks the Engine only
   * where no pass did.
   */
  dispatched(reference: string): Promise<readonly Dispatched[]>;
  /** Answers what was. */
  readonly past: PastPort;
  /** Asks for a pass soon, after a write that dispatch depends on. */
  requestPass(): void;
  /** What the Compose project of a new stack begins with. */
  readonly composePrefix: string;
  /** How proxies and people reach what runs here. */
  readonly routes: RouteSettings;
  /** Where people reach the server, if that is known; its path is a prefix of every path there. */
  readonly baseUrl: URL | null;
  /** Whether what listens over TCP speaks TLS itself. */
  readonly encrypted: boolean;
  /** The program's version. */
  readonly version: string;
  /** The clock. */
  now(): Date;
}

/** What requests ask of notifications. */
export interface NotifyPort {
  /** What a channel's address stands for. Throws a Failure, `invalid`. */
  takeIn(asked: { url: string; secret: string | null; allowLoopback: boolean }): Promise<{
    readonly type: string;
    /** What may be shown. */
    readonly config: object;
    /** What may not. */
    readonly secrets: Readonly<Record<string, string>>;
  }>;
  /**
   * What another address or secret of a channel stands for; the secrets are kept, `undo` brings back
   * those of before. Throws a Failure, `invalid`.
   */
  takeInAgain(
    channel: KeptChannel,
    asked: { url: string | null; secret: string | null; allowLoopback: boolean | undefined },
  ): Promise<{
    readonly settings: { readonly type: string; readonly config: object };
    readonly undo: () => Promise<void>;
  }>;
  /** Keeps a channel's secrets; null forgets them. */
  keep(channelId: string, secrets: Readonly<Record<string, string>> | null): Promise<void>;
  /** A channel or a rule was made, changed or removed. */
  changed(channelId: string): void;
  /** Sends a test, and says what came of it. */
  test(
    channel: KeptChannel,
    options: { signal: AbortSignal },
  ): Promise<TestOutcome>;
  /** Has all that waits tried now; resolves with how many those are. */
  retry(channel: KeptChannel): Promise<number>;
}

/** What the judge of problems is told by requests. */
export interface ProblemsPort {
  /** Somebody deploys this workload. */
  deploying(workloadId: string): void;
  /** A silence was asked for, or ended. */
  silencesChanged(): void;
  /** Says what is expected of any row, for as long as nothing is written. */
  wanted(): (row: IndexRow) => Wanted;
  /** What is expected changed, of these rows or of any. */
  wantedChanged(rowIds: Iterable<string> | "all"): void;
}

/** What handlers have at hand, of whichever index. */
export interface ReadServices {
  /** The index, to be read. */
  readonly reader: IndexReader;
  /** Who may ask. */
  readonly access: AccessPort;
  /** Counts requests, and is what `/metrics` shows. */
  readonly metrics: ServedMetrics;
  /** Where requests and faults are logged. */
  readonly log: Log;
  /** Live feeds. */
  readonly live: Live;
  /** Who came without the right secret. */
  readonly logins: FailedLogins;
  /** How often they may. */
  readonly loginLimit: LoginLimit;
  /** Who requests are from. */
  readonly credentials: Credentials;
  /** Answers what was. */
  readonly past: PastPort;
  /** Has the Engine listed what runs. Throws where nobody can, or it fails. */
  listNow(): Promise<unknown>;
  /** Where browsers come to; null: nobody listens. */
  readonly tcp: (() => { readonly address: string | null }) | null;
  /** Where people reach the server, if that is known; its path is a prefix of every path there. */
  readonly baseUrl: URL | null;
  /** Whether what listens over TCP speaks TLS itself. */
  readonly encrypted: boolean;
  /** The program's version. */
  readonly version: string;
  /** Tells this run's entity tags from another run's. */
  readonly run: string;
  /** The clock. */
  now(): Date;
  /** The OpenAPI document as JSON. */
  openApi(): string;
}

/** Metrics as far as a server needs to know them. */
export interface ServedMetrics extends Pick<Metrics, "httpRequests" | "failedLogins"> {
  /** The text exposition, format 0.0.4. */
  render(): Soon<string>;
}

/** What handlers have at hand that are about telling people. */
export interface TellingServices extends ReadServices {
  /** Whom to tell of what. */
  readonly telling: TellingPort;
  /** Of what nobody wants to hear. */
  readonly silences: SilencesPort;
}

/** What handlers of a host's index have at hand. */
export interface Services extends Omit<ServerDeps, "metrics">, TellingServices {
  /** Wrong webhook secrets. */
  readonly guesses: RateLimit;
  /** Wrong signatures, of those who know a workload's id. */
  readonly wrongSignatures: RateLimit;
  /** How long a request waits for a pass, milliseconds. */
  readonly passTimeoutMs: number;
}

/** One request, validated. */
export interface Call<Params, Query, Body, At = Services> {
  /** What handlers have at hand. */
  readonly services: At;
  /** From the path. */
  readonly params: Params;
  /** From the query string, defaults filled in. */
  readonly query: Query;
  /** From the JSON body. */
  readonly body: Body;
  /**
   * Where the spec says `raw`: shows the body as it was sent to `use`, within the bounds of all
   * bodies; else there is none. Nothing is read before this is called.
   */
  readonly withBody: <Result>(
    use: (body: Uint8Array<ArrayBuffer>) => Result | Promise<Result>,
  ) => Promise<Result>;
  /** Request headers. */
  readonly headers: Headers;
  /** Where it came in. */
  readonly entrance: Entrance;
  /** Who asks; of an open route nobody. */
  readonly principal: Principal;
  /** Tells who it is that changes something, where only the handler finds out. */
  actAs(who: Who): void;
  /** Tells that nothing is changed though it could have been: nothing is written down. */
  changesNothing(): void;
  /** True for HEAD: the body that is answered won't be read. */
  readonly headOnly: boolean;
}

/** One way to answer. */
export interface Answer {
  /** One sentence for the document. */
  readonly description: string;
  /** What the body looks like; absent: no body. */
  readonly schema?: Schema<unknown>;
  /** Default `application/json`. */
  readonly mediaType?: string;
}

/** What a route takes and gives. */
export interface OperationSpec<Params, Query, Body> {
  /** One line. */
  readonly summary: string;
  /** More where one line is not enough. */
  readonly description?: string;
  /** Path parameters. */
  readonly params?: Schema<Params>;
  /** Query parameters; absent: none are allowed under `/api`. */
  readonly query?: Schema<Query>;
  /** JSON body; absent: none is allowed; `ignored`, `raw`: whatever is sent. */
  readonly body?: Schema<Body> | "ignored" | "raw";
  /** Status → answer, the good ones; failures are documented once for all. */
  readonly answers: Readonly<Record<number, Answer>>;
}

/** A route's spec and function, their types forgotten so that one table can hold them all. */
export interface Operation<At = Services> {
  /** What it takes and gives. */
  readonly spec: OperationSpec<unknown, unknown, unknown>;
  /** Answers a call whose parts passed the spec's schemas. */
  readonly handle: (call: Call<unknown, unknown, unknown, At>) => Response | Promise<Response>;
}

/** One that needs nothing but an index to read, whoever keeps it. */
export type Reading = Operation<ReadServices>;

/** Ties a function to the schemas of what it is called with. */
export function operation<Params, Query, Body>(
  spec: OperationSpec<Params, Query, Body>,
  handle: (call: Call<Params, Query, Body>) => Response | Promise<Response>,
): Operation {
  return served(spec, handle);
}

/** The same of what needs nothing but an index to read. */
export function reading<Params, Query, Body>(
  spec: OperationSpec<Params, Query, Body>,
  handle: (call: Call<Params, Query, Body, ReadServices>) => Response | Promise<Response>,
): Reading {
  return served(spec, handle);
}

/** The same of what needs something of its own. */
export function served<Params, Query, Body, At>(
  spec: OperationSpec<Params, Query, Body>,
  handle: (call: Call<Params, Query, Body, At>) => Response | Promise<Response>,
): Operation<At> {
  return {
    spec: spec as OperationSpec<unknown, unknown, unknown>,
    handle: (call) => handle(call as Call<Params, Query, Body, At>),
  };
}
