/**
 * The application of a hub: the index of many hosts, by the same functions as a host's. Keeps nothing
 * that another hub of the same database would need. Knows no socket.
 *
 * @module
 */

import type { HostsPort } from "./api/hosts.ts";
import { HOSTS_ROUTES, HUB_ROUTES } from "./hub_routes.ts";
import { notHere } from "./not_here.ts";
import type { ReadServices } from "./operation.ts";
import { type ReadDeps, readServices } from "./read_services.ts";
import { type App, type AppOptions, routed } from "./routed.ts";
import type { SilencesPort, TellingPort } from "./telling_port.ts";

/** What a hub's server is given; it constructs none of it. */
export interface HubDeps extends ReadDeps {
  /** The hosts. */
  readonly hosts: HostsPort;
  /** Whom to tell of what. */
  readonly telling: TellingPort;
  /** Of what nobody wants to hear. */
  readonly silences: SilencesPort;
  /** Answers what was. */
  readonly past: ReadServices["past"];
  /** Where browsers come to. */
  readonly tcp: ReadServices["tcp"];
}

/** The application over these parts. Starts nothing. */
export function createHubApp(deps: HubDeps, options: AppOptions = {}): App {
  return routed([...HUB_ROUTES, ...HOSTS_ROUTES], {
    ...readServices(HUB_ROUTES, deps, options),
    hosts: deps.hosts,
    telling: deps.telling,
    silences: deps.silences,
    tcp: deps.tcp,
    past: deps.past,
    listNow: () => Promise.reject(notHere("ask an Engine")),
  }, options);
}
