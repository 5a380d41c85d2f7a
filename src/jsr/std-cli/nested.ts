/**
 * Objects in objects, addressed by names with dots. Must not reach a prototype.
 *
 * @module
 */

/**
 * Sets a value at a name with dots; `collect` adds it to what is there. Does nothing where a part of
 * the name leads to a prototype.
 */
export function put(
  root: Record<string, unknown>,
  name: string,
  { value, collect }: { value: unknown; collect: boolean },
): void {
  const path = name.split(".");
  const key = path.pop() as string;
  let target = root;
  for (const step of path) {
    if (leadsToPrototype(target, step)) return;
    const inner = Object.hasOwn(target, step) ? target[step] : undefined;
    if (inner === undefined || inner === null) define(target, step, {});
    target = target[step] as Record<string, unknown>;
  }
  if (leadsToPrototype(target, key)) return;
  const present = Object.hasOwn(target, key) ? target[key] : undefined;
  if (!collect) define(target, key, value);
  else if (Array.isArray(present)) present.push(value);
  else define(target, key, present ? [present, value] : [value]);
}

function leadsToPrototype(target: Record<string, unknown>, key: string): boolean {
  return key === "__proto__" || (key === "constructor" && typeof target[key] === "function");
}

/** Defined, not assigned: a name may be that of an inherited setter. */
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}

/** True when there is a value at a name with dots. */
export function has(root: Record<string, unknown>, name: string): boolean {
  let target: unknown = root;
  for (const key of name.split(".")) {
    if (typeof target !== "object" || target === null || !Object.hasOwn(target, key)) return false;
    target = (target as Record<string, unknown>)[key];
  }
  return true;
}
