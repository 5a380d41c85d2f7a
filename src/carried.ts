/**
 * Finds the files that the program carries: as they lie in the sources, or as they were put beside
 * the bundle that the binary is made of. Reads none of them.
 *
 * @module
 */

/** A bundle's modules have no type annotations left, and all lie in its top folder. */
const IS_BUNDLED = !import.meta.url.endsWith(".ts");
const ROOT = new URL(IS_BUNDLED ? "./" : "../", import.meta.url);

/** Where this file or folder is: a path from the sources' root, as `src/store/migrations/`. */
export function carried(path: string): URL {
  return new URL(path, ROOT);
}
