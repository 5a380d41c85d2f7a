/**
 * What is around every page, and what any of them may say, in English.
 *
 * @module
 */

import type { StaleReason } from "../../../model/views.ts";
import { english as plural } from "../plural.ts";

/** The words. */
export const EN_FRAME = {
  product: "Tinyforge",
  skip: "Skip to content",
  nav: {
    label: "Pages",
    menu: "Menu",
    overview: "Overview",
    containers: "Containers",
    add: "Add",
    history: "History",
    settings: "Settings",
    problems: (count: number) => plural(count, { one: "# open problem", other: "# open problems" }),
    rows: (count: number) => plural(count, { one: "# container", other: "# containers" }),
  },
  live: {
    connecting: "Connecting…",
    live: "Live",
    stale: (time: string) => `Stale since ${time}`,
    staleTitle: "The daemon does not answer",
    staleText: (time: string) =>
      `What is shown is from ${time}. The page tries again by itself; nothing needs to be reloaded.`,
    unsure: (why: string) => `Not up to date: ${why}`,
    reasons: {
      "no-daemon": "no daemon keeps the index",
      "no-pass": "the daemon has not done a good pass yet",
      "engine-down": "Docker does not answer",
      "engine-changed": "another Docker Engine answers",
      "engine-unknown": "Docker may not be asked who it is, so nothing is marked missing",
      "events-down": "Docker's events do not flow; changes are seen at the next pass",
      "writes-fail": "what passes find can't be written",
      "late": "the last good pass is long ago",
      "hosts-unsure": "not of every host is it known what runs there",
    } satisfies Record<StaleReason, string>,
  },
  login: {
    title: "Log in",
    text: "Open the link that this command prints on the host:",
    command: "tinyforge dashboard",
    or: "Or paste a token:",
    where: "It stands in the file “token” of the data directory.",
    submit: "Log in",
    wrong: "This token is not right.",
    limited: "Too many tries. Wait a minute, then try again.",
    used: "This link was used already, or is older than a minute. Ask for another one.",
    ended: "The session is over. Log in to go on where you were.",
    checking: "Logging in…",
  },
  keyboard: {
    title: "Keyboard",
    open: "Keyboard shortcuts",
    list: [
      ["/", "Search"],
      ["j", "Next row"],
      ["k", "Row before"],
      ["Enter", "Open the row"],
      ["Esc", "Close, clear the search"],
      ["?", "This help"],
    ],
    off: "They can be turned off in the settings.",
  },
  common: {
    copy: "Copy",
    copied: "Copied",
    close: "Close",
    cancel: "Cancel",
    retry: "Try again",
    loading: "Loading…",
    failed: "This did not work",
    unreachable: "The daemon did not answer.",
    notFound: "There is no such page",
    toOverview: "To the overview",
    unknown: "unknown",
    forbidden: "Your role does not allow this.",
  },
};
