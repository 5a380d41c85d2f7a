/**
 * The hosts of a hub, in English.
 *
 * @module
 */

import type { HostState } from "../../../model/hosts.ts";
import { english as plural } from "../plural.ts";

/** The words. */
export const EN_HOSTS = {
  hosts: {
    title: "Hosts",
    host: "Host",
    all: "All hosts",
    states: {
      known: "heard of",
      unknown: "not heard of",
      contested: "two speak for it",
      new: "has not spoken yet",
    } satisfies Record<HostState, string>,
    heard: "heard of last",
    contestedBy: (machines: string) => `on ${machines}`,
    was: (state: string) => `was ${state}`,
    on: (host: string) => `On ${host}:`,
    silent: (count: number) =>
      plural(count, { one: "# host is not heard of", other: "# hosts are not heard of" }),
    more: (count: number) => plural(count, { one: "# more host", other: "# more hosts" }),
    invited: "Invited, not joined yet",
    invitedAt: "invited",
    tokenOver: (time: string) => `its token is over since ${time}`,
    joinThere: "It joins by the command with its token. The hub's own machine prints another:",
    choose: "Choose a host",
    chooseText: "All hosts together have more containers than are shown at once.",
    none: "No host has joined yet",
    noneText: "A host joins with a command that works once. The hub's own machine prints it:",
    noRows: "None of the hosts has told of any.",
  },
};
