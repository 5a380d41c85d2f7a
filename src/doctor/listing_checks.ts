/**
 * What a listing of all containers shows that no row does: Compose projects that two directories
 * share, images whose names lead elsewhere by now. Pure.
 *
 * @module
 */

import { LABEL } from "../core/dispatch.ts";
import { FOREIGN_LABEL } from "../core/recognize.ts";
import type { ListedContainer } from "../model/container.ts";
import { shellWord } from "../shell_word.ts";
import { quote } from "../text.ts";
import { type Finding, named } from "./finding.ts";

/** Compose projects of which several directories have containers. */
export function sharedProjects(containers: readonly ListedContainer[]): Finding[] {
  const directories = new Map<string, Set<string>>();
  for (const { labels } of containers) {
    const [project, directory] = [
      labels[LABEL.composeProject],
      labels[FOREIGN_LABEL.composeWorkingDir],
    ];
    if (!project || !directory) continue;
    directories.set(project, (directories.get(project) ?? new Set()).add(directory));
  }
  return [...directories].filter(([, all]) => all.size > 1).map(([project, all]) => ({
    code: "compose-project-shared",
    severity: "warning",
    group: "containers",
    what: `Compose project ${quote(project)} has containers of ${
      named([...all].sort().map((directory) => quote(directory, 200)))
    }`,
    why: "`up` and `down` in the one replace and remove the other's containers",
    do: "give one of them a name of its own: `name:` in its file, or COMPOSE_PROJECT_NAME",
  }));
}

/** A row as far as its image goes. */
export interface ImagedRow {
  /** Full id of its container. */
  readonly containerId: string;
  /** Name of its container. */
  readonly container: string;
  /** The name of the image that it was made of. */
  readonly image: string;
}

/** Rows whose container the Engine lists by the image's id, since its name may have moved. */
export function movedNames(
  rows: readonly ImagedRow[],
  containers: readonly ListedContainer[],
): ImagedRow[] {
  const byId = new Map(containers.map(({ id, image }) => [id, image]));
  return rows.filter(({ containerId, image }) =>
    image !== "" && !image.startsWith("sha256:") && byId.get(containerId)?.startsWith("sha256:")
  );
}

/** That a row's image has another name by now. */
export function movedImage({ container, image }: ImagedRow): Finding {
  return {
    code: "image-moved",
    severity: "info",
    group: "containers",
    what: `${quote(container)} runs an older image than ${quote(image)} names now`,
    why: "what was pulled or built since does not run yet",
    do: `make it anew: \`docker compose up --detach\`, or \`docker rm --force ${
      shellWord(container)
    }\` and run it again`,
  };
}
