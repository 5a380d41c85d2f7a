/**
 * What a person at a command line can do about failures of the index: what is not there, what
 * something else has, what is needed besides. Pure.
 *
 * @module
 */

import type { FailureData } from "../failure.ts";

/** What shows the things of that kind that there are; may be empty. */
export const SHOW_KINDS: Readonly<
  Record<FailureData["not-found"]["thing"], string>
> = {
  project: "`tinyforge list projects` shows them",
  stack: "`tinyforge list stacks` shows them",
  site: "`tinyforge list sites` shows them",
  workload: "`tinyforge list workloads` shows them",
  row: "`tinyforge ps` shows them",
  silence: "`tinyforge silence list` shows them",
  candidate: "`tinyforge discover` shows what can be taken in",
  stage: "",
  channel: "`tinyforge notify list` shows them",
  rule: "",
  token: "`tinyforge token list` shows them",
  session: "`tinyforge session list` shows them",
  host: "`tinyforge hub list` shows them",
  index: "start the daemon with `tinyforge reconcile`, or point --data-dir at its directory",
  schema: "start `tinyforge reconcile` once, it brings the database up to date",
};

/** What to do where something else has it; may be empty. */
export const CHOOSE_OTHER: Readonly<
  Record<FailureData["conflict"]["over"], string>
> = {
  "name": "choose another name, or rename the other with `tinyforge rename`",
  "id": "something else has it by now: leave --id out, or choose another",
  "token-name": "choose another name, or remove the other with `tinyforge token rm`",
  "host-name": "choose another name, or remove the other with `tinyforge hub rm`",
  "channel-name": "choose another name, or remove the other with `tinyforge notify rm`",
  "compose-project": "name another one with --compose-project",
  "domain": "name another one with --domain, or `tinyforge set site OTHER --clear domain` first",
  "adopted":
    "`tinyforge accept` takes what runs now for what should run; --compose reads its files",
  "container-name": "`tinyforge list sites` shows it; name another one with --container-name",
  "stage-name": "",
  "row": "change it with `tinyforge container set`",
  "container":
    "change that row with `tinyforge container set`, or remove it with `tinyforge container rm`",
  "subdomain": "give that row another one first, or clear it",
  "instances": "remove a row of the stage first, or let it have more: `tinyforge set stage`",
};

/** What to give besides. */
export const GIVE: Readonly<
  Record<NonNullable<FailureData["invalid"]["need"]>, string>
> = {
  "container": "name its container too, with --container",
  "full-container-id": "use the full id as `docker inspect --format {{.Id}}` prints it",
  "compose-project": "name one with --compose-project",
  "new-token": "`tinyforge token rm` it, and make another with `tinyforge token add`",
  "role": "`tinyforge ps --workload NAME` shows its roles",
  "allow-loopback": "if it is meant to be on this machine, allow it with --allow-loopback",
};
