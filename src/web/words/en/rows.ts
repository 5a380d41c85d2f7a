/**
 * Overview, containers and workloads, in English.
 *
 * @module
 */

import { pluralOf } from "../plural.ts";

const plural = pluralOf("en");

/** The words. */
export const EN_ROWS = {
  overview: {
    title: "Overview",
    well: "All is well",
    wellText: (count: number) =>
      plural(count, {
        one: "One container, and it is as it should be.",
        other: "# containers, all as they should be.",
      }),
    problems: (count: number) => plural(count, { one: "# problem", other: "# problems" }),
    watching: (count: number) =>
      plural(count, {
        one: "# thing may pass by itself",
        other: "# things may pass by themselves",
      }),
    over: "Over lately",
    states: "Containers by state",
    host: "This host",
    engine: "Docker",
    engineUp: "answers",
    engineDown: "does not answer",
    events: "Events",
    eventsUp: "flow",
    eventsDown: "do not flow",
    lastPass: "Last pass",
    noPass: "none yet",
    unmanaged: "Unmanaged",
    unmanagedText: (count: number) => plural(count, { one: "# container", other: "# containers" }),
    backup: "Last backup",
    noBackup: "none yet",
    version: "Tinyforge",
    since: (time: string) => `runs since ${time}`,
    emptyTitle: "Nothing is registered yet",
    emptyText: "Take in what already runs on this host, or register something new.",
    emptyAction: "Add the first one",
  },
  containers: {
    title: "Containers",
    search: "Search",
    searchHint: "Name, workload, image, port",
    filters: "Filters",
    problem: "With a problem",
    facets: { kind: "Kind", state: "State", health: "Health" },
    group: "Group by workload",
    sort: "Sort by",
    columns: {
      name: "Container",
      workload: "Workload",
      state: "State",
      image: "Image",
      port: "Port",
      since: "Since",
    },
    shown: (shown: number, all: number) =>
      shown === all
        ? plural(all, { one: "# container", other: "# containers" })
        : plural(all, { one: `${shown} of # container`, other: `${shown} of # containers` }),
    hidden: (count: number) =>
      plural(count, { one: "# more is hidden by filters", other: "# more are hidden by filters" }),
    showAll: "Show all",
    more: (count: number, left: number) =>
      plural(left, { one: "Show # more", other: `Show ${count} more of #` }),
    none: "No containers yet",
    noneText: "A container appears here as soon as it belongs to a project, stack or site.",
    nothing: "Nothing matches",
    nothingText: "No container is let through by these filters.",
    loading: "Loading containers…",
    unnamed: "no container",
    replica: (count: number) => `no. ${count}`,
    inGroup: (count: number) => plural(count, { one: "# container", other: "# containers" }),
    unclaimed: "bound by hand",
    descending: "descending",
  },
  row: {
    id: "Row",
    container: "Container id",
    image: "Image",
    imageId: "Image id",
    created: "Container created",
    seen: "Last seen",
    ports: "Port",
    addresses: "Addresses",
    noAddress: "none",
    stage: "Stage",
    subdomain: "Subdomain",
    unclaimed: "Not claimed",
    started: "Started",
    ended: "Ended",
    restarts: "Restarts",
    policy: "Restart policy",
    story: "Story",
    noStory: "Nothing is known to have happened.",
    gone: "This row is no more.",
    all: (url: string) => `Open ${url}`,
  },
  workload: {
    unknown: "No such workload",
    unknownText: "It may have been removed.",
    rows: "Containers",
    noRows: "No container was seen yet. It appears here as soon as one carries the labels below.",
    problems: "Problems",
    availability: "Availability",
    spans: { day: "24 hours", week: "7 days", month: "30 days" },
    down: "down",
    unknownTime: "unknown",
    stripText: (span: string, share: string) => `${span}: ${share} available`,
    noHistory: "No history yet.",
    expectations: "What should run",
    expectDefault: "Every container that was ever seen should be running.",
    mode: {
      running: "should be running",
      completed: "should end by itself with 0",
      any: "should be there",
    },
    source: { accepted: "accepted", compose: "from a Compose file", manual: "set by hand" },
    times: (count: number) => plural(count, { one: "# container", other: "# containers" }),
    everyRole: "the container",
    timeline: "What happened",
    noTimeline: "Nothing yet.",
    older: "Older",
    stages: "Stages",
    preview: "preview",
    noStages: "No stages.",
    instances: (count: number, max: number) =>
      plural(max, { one: `${count} of # instance`, other: `${count} of # instances` }),
    connect: "Connect",
    labels: "Labels that tie a container to it",
    labelsCompose: (project: string) =>
      `Containers of Compose project “${project}” belong to it without labels.`,
    hook: "Webhook",
    hookText: "A call after a deploy makes the index look at once. Keep it secret.",
    hookShow: "Show the address",
    hookHide: "Hide",
    domain: "Domain",
    composeProject: "Compose project",
    containerName: "Container name",
    appeared: "first seen",
    before: (state: string) => `was ${state}`,
    problemOpened: "became a problem",
    problemOver: "is over",
  },
};
