/**
 * What a channel is: where messages go, how that is set up, and what can come of sending one.
 * Shapes alone; must not load any channel.
 *
 * @module
 */

import type { DialCause, Dialer } from "./dial.ts";
import type { NoticeContent } from "./notice.ts";

/** The kinds of receivers. */
export type ChannelType =
  | "webhook"
  | "ntfy"
  | "gotify"
  | "discord"
  | "slack"
  | "mattermost"
  | "telegram"
  | "matrix"
  | "apprise"
  | "email";

/** Languages that messages are written in. */
export type Language = "en" | "ru";

/** What may be shown of a channel to anyone who may read the index. */
export interface ChannelConfig {
  /** `scheme://host[:port]`, all that is ever shown of an address. */
  readonly origin: string;
  /** Whether the receiver may be on this machine. Default: no. */
  readonly allowLoopback?: boolean;
  /** How a receiver wants it where there are several ways; which ones depends on the type. */
  readonly form?: string;
  /** The receiver's own priority for whatever is sent; without it, the notice's. */
  readonly priority?: number;
}

/** What nobody is shown: keys, and everything of an address behind its host. */
export type ChannelSecrets = Readonly<Record<string, string>>;

/** How a channel is set up. */
export interface ChannelSettings {
  /** The kind of receiver. */
  readonly type: ChannelType;
  /** What may be shown. */
  readonly config: ChannelConfig;
  /** What may not; each type says which it has. */
  readonly secrets: ChannelSecrets;
}

/** One message to one channel. */
export interface Message {
  /**
   * Stays the same however often it is sent, so that a receiver can drop a double; visible
   * ASCII, at most 128 characters, unique.
   */
  readonly id: string;
  /** What is told. */
  readonly content: NoticeContent;
  /** In which language. */
  readonly language: Language;
  /** IANA name of the time zone that times are shown in. */
  readonly timeZone: string;
  /** Where people reach the dashboard, or null for no link. */
  readonly baseUrl: string | null;
}

/** Why a message did not arrive; words for a person are chosen where it is shown. */
export type OutcomeCause =
  | DialCause
  /** The receiver answered with an error. */
  | "answer"
  /** The receiver said that it takes nothing now, as when too much was sent. */
  | "limited"
  /** The receiver sends elsewhere, where nothing is sent. */
  | "redirect";

/** What came of sending a message. */
export type Outcome =
  | {
    /** It arrived. */
    readonly result: "delivered";
    /** HTTP status or SMTP reply code; null when there was none. */
    readonly status: number | null;
    /** The beginning of the answer, escaped, without the channel's secrets. */
    readonly answer: string;
  }
  | {
    /**
     * `retry`: it may arrive later. `broken`: not before a person has mended the channel, until
     * then what is queued waits. `gone`: the receiver wants nothing from this channel ever again.
     */
    readonly result: "retry" | "broken" | "gone";
    /** HTTP status or SMTP reply code; null when there was none. */
    readonly status: number | null;
    /** The beginning of the answer, else what failed: escaped, without the channel's secrets. */
    readonly answer: string;
    /** Why. */
    readonly cause: OutcomeCause;
    /** How long the receiver wants to be left alone, milliseconds; null when it did not say. */
    readonly retryAfterMs: number | null;
  };

/** How many messages a channel may be sent. */
export interface Rate {
  /** So many at once. */
  readonly burst: number;
  /** So many a minute in the long run. */
  readonly perMinute: number;
}

/** Where messages go. */
export interface Channel {
  /** The kind of receiver. */
  readonly type: ChannelType;
  /** How many messages it may be sent. */
  readonly rate: Rate;
  /**
   * Sends one message once. Throws the signal's reason when that aborts; every failure of the
   * receiver, the network or the settings is an {@linkcode Outcome}.
   */
  send(message: Message, options: { readonly signal: AbortSignal }): Promise<Outcome>;
}

/** What a channel sends with. */
export interface Surroundings {
  /** Opens connections to addresses that may be dialled. */
  readonly dialer: Dialer;
  /** Wall time, milliseconds since the Unix epoch. */
  readonly now: () => number;
}
