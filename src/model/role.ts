/**
 * What someone may do: roles, each with all that the one before it may. Which route needs which
 * stands in the table of routes.
 *
 * @module
 */

/**
 * From the least to the most: `metrics` alone; everything but secrets; rows, hooks and passes;
 * everything.
 */
export const ROLES = ["metrics", "read", "deploy", "admin"] as const;

/** One of them. */
export type Role = (typeof ROLES)[number];

/** Whether who has `role` may do what `needed` is needed for. */
export function mayDo(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}
