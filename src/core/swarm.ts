/**
 * What Swarm's labels say a container is: which service of which stack, and which of its tasks.
 * Pure; values are data from anyone who has the socket, so whoever calls reads them within bounds.
 *
 * @module
 */

/** Label keys of Swarm. */
export const SWARM_LABEL = {
  namespace: "com.docker.stack.namespace",
  service: "com.docker.swarm.service.name",
  task: "com.docker.swarm.task.name",
} as const;

/** A task of a service. */
export interface SwarmTask {
  /** Its stack, or the service itself where it belongs to none. */
  readonly project: string;
  /** The service's name without the stack's in front. */
  readonly role: string;
  /** Its slot; 1 for the tasks of a global service, which have none. */
  readonly replica: number;
}

/** The task that a container is; null when it is none. `label` gives a label's text or nothing. */
export function swarmTask(label: (key: string) => string): SwarmTask | null {
  const service = label(SWARM_LABEL.service);
  if (service === "") return null;
  const namespace = label(SWARM_LABEL.namespace);
  const prefix = `${namespace}_`;
  const role = namespace !== "" && service.startsWith(prefix) && service !== prefix
    ? service.slice(prefix.length)
    : service;
  // `service.slot.id`; of a global service, `service.node.id`.
  const slot = label(SWARM_LABEL.task).slice(service.length + 1).split(".")[0] ?? "";
  const replica = /^[1-9][0-9]{0,5}$/.test(slot) ? Number(slot) : 1;
  return { project: namespace || service, role, replica };
}
