/**
 * Messages in English.
 *
 * @module
 */

import { pluralOf, type Words } from "./words.ts";

const plural = pluralOf("en");
const number = (count: number) => plural(count, { other: "#" });
const problems = (count: number) => plural(count, { one: "# problem", other: "# problems" });

/** Messages in English, with times of 24 hours. */
export const ENGLISH: Words = {
  locale: "en-GB",
  kinds: {
    "missing": "its container is gone",
    "absent": "its container never came",
    "crashed": "crashed",
    "stopped": "stopped",
    "oom": "ran out of memory",
    "unhealthy": "unhealthy",
    "crash-loop": "keeps crashing",
    "flapping": "keeps failing and recovering",
    "stuck": "stuck",
    "engine-down": "Docker does not answer",
    "index-stale": "the index is out of date",
    "engine-changed": "another Docker Engine answers",
    "contended": "several containers claim its place",
    "refused": "containers are refused: their labels do not fit",
    "backup-failed": "no backup is made",
    "host-unknown": "is not heard of",
    "channel-broken": "notifications do not arrive",
  },
  thisHost: "this host",
  severalHosts: "several hosts",
  opened: (subject, what) => `${subject}: ${what}`,
  reminder: (subject, what) => `Still: ${subject}: ${what}`,
  recovered: (subject, what) => `Over: ${subject}: ${what}`,
  combined: (subject, what, { span, down }) =>
    down ? `${subject} was down ${span}` : `Over: ${subject}: ${what}, ${span}`,
  digest: {
    burst: (count, host) => `${problems(count)} at once on ${host}`,
    restart: (count, host) => `${problems(count)} after a restart on ${host}`,
    baseline: (count, host) => `${problems(count)} at first sight on ${host}`,
    over: (count, host) => `${problems(count)} on ${host}, all over`,
  },
  back: ({ right, expected }, host) =>
    `${number(right)} of ${number(expected)} ${
      right === 1 ? "is" : "are"
    } back after a restart on ` +
    host,
  notBack: "Not back:",
  test: "Tinyforge: this is a test",
  since: (time, duration) => `Since ${time} (${duration})`,
  lasted: (span, duration) => `${span}, it lasted ${duration}`,
  low: "Severity: low",
  host: (name) => `Host: ${name}`,
  container: (name) => `Container: ${name}`,
  todo: "What to do:",
  item: (subject, what, when) => `${subject}: ${what}, ${when}`,
  itemSince: (time) => `since ${time}`,
  itemOver: (span) => `over: ${span}`,
  more: (count) => `and ${plural(count, { other: "#" })} more`,
  testBody: (time) => `Messages arrive here. Sent ${time}.`,
  evidence: {
    found: (found, accepted) => `${found} answers in place of ${accepted}`,
    outOfMemory: "out of memory",
    times: (count, atLeast) =>
      `${atLeast ? "at least " : ""}${plural(count, { one: "once", other: "# times" })}`,
    exitCode: (code) => `exit code ${code}`,
    restarted: (count, policy) =>
      `restarted ${plural(count, { one: "once", other: "# times" })}, restart policy ${policy}`,
    health: (health) => `health: ${health}`,
    state: (state) => `state: ${state}`,
    refused: {
      "unknown-workload": "the label names a workload that is not registered",
      "kind-mismatch": "the labels contradict what is registered",
      "workload-mismatch": "the row belongs to another workload",
      "awaiting-deployer": "a project's rows are a deployer's to make",
      "unknown-site": "the label names a site that is not registered",
      "unknown-stack": "no stack of this Compose project is registered",
      "one-off": "a one-off run of Compose",
      "inherited": "the labels come from the image",
      "unmanaged": "there is no label of ours",
    },
    channel: (name) => `channel ${name}`,
  },
  link: "Dashboard",
};
