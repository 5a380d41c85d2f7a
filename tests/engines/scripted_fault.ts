/**
 * Every way in which an endpoint of the scripted Engine can fail.
 *
 * @module
 */

/** How an endpoint fails. */
export type Fault =
  /** An error answer in the Engine's shape. */
  | { kind: "status"; status: number; message?: string; body?: string }
  /** A well-framed answer with this body: truncated JSON, other types. */
  | { kind: "body"; body: string }
  /** The true answer's JSON after this change. */
  | { kind: "edit"; edit: (answer: unknown) => unknown }
  /** Takes the request and does not answer until healed: before the head, or within the body. */
  | { kind: "hang"; at?: "head" | "body" }
  /** Closes the connection without a byte, or within the body. */
  | { kind: "cut"; at?: "head" | "body" }
  /** Sends the body in pieces with a pause between. */
  | { kind: "slow"; pieces: number; everyMs: number }
  /** Answers late. */
  | { kind: "delay"; ms: number }
  /** Sends these bytes instead of HTTP. */
  | { kind: "raw"; bytes: string };
