/**
 * Reads the dashboard's files as the build left them: a list with each file's type, the file, and
 * its compressed forms beside it. Must not build anything.
 *
 * @module
 */

import { join } from "@std/path";
import * as z from "zod";
import { carried } from "../carried.ts";
import type { Asset, Assets } from "./pages.ts";

/** Where the build puts them. */
const FOLDER = "src/web/dist";

/** Names the files: a compiled program has no directory to list. */
const LIST = "manifest.json";

const List = z.record(
  z.string().regex(/^\/[A-Za-z0-9._-]+$/),
  z.object({ type: z.string(), immutable: z.boolean() }),
);

/**
 * Every file that the list names; none where nothing was built.
 *
 * @throws {Error} A file that is named is not there.
 */
export async function readWebAssets(folder: string = carried(FOLDER).pathname): Promise<Assets> {
  const list = await ifThere(Deno.readTextFile(join(folder, LIST)));
  if (list === null) return new Map();
  const entries = Object.entries(List.parse(JSON.parse(list)));
  return new Map(
    await Promise.all(entries.map(async ([path, { type, immutable }]) => {
      const file = join(folder, path);
      const [body, gzip, br] = await Promise.all([
        Deno.readFile(file),
        ifThere(Deno.readFile(`${file}.gz`)),
        ifThere(Deno.readFile(`${file}.br`)),
      ]);
      const asset: Asset = { type, body, immutable, ...(gzip && { gzip }), ...(br && { br }) };
      return [path, asset] as const;
    })),
  );
}

async function ifThere<T>(result: Promise<T>): Promise<T | null> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
