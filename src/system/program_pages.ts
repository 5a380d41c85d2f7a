/**
 * What of the program itself stands in memory. Must not be needed for anything but how much memory it
 * takes.
 *
 * @module
 */

import { LIBC } from "./libc.ts";

const AT_PHDR = 3n;
const AT_PHNUM = 5n;
const AT_PAGESZ = 6n;
const PT_LOAD = 1;
const PT_PHDR = 6;
const PF_W = 2;
const MADV_DONTNEED = 4;
/** Bytes of an `Elf64_Phdr`. */
const HEADER = 56;

/**
 * Has the system count no longer as this process's what was read of the program's own file: of some 50
 * MB nearly half was needed by its start alone, as what the loader relocates by and the snapshot that
 * the JavaScript engine begins with. What is needed again comes back from the file, page by page. Bytes
 * of memory that this was asked for; 0 where it can't be done.
 */
export function letGoOfProgramPages(): number {
  try {
    const libc = Deno.dlopen(LIBC, {
      getauxval: { parameters: ["u64"], result: "usize" },
      madvise: { parameters: ["usize", "usize", "i32"], result: "i32" },
    });
    try {
      const { getauxval, madvise } = libc.symbols;
      let bytes = 0;
      for (const { from, to } of readOnlySegments(getauxval)) {
        if (madvise(from, to - from, MADV_DONTNEED) === 0) bytes += Number(to - from);
      }
      return bytes;
    } finally {
      libc.close();
    }
  } catch {
    return 0;
  }
}

/** Whole pages that stand in the program's file as they are, since nobody can have written to them. */
function readOnlySegments(
  getauxval: (type: bigint) => bigint,
): { readonly from: bigint; readonly to: bigint }[] {
  const [address, page] = [getauxval(AT_PHDR), getauxval(AT_PAGESZ)];
  const headers = Array.from({ length: Number(getauxval(AT_PHNUM)) }, (_, i) => {
    const view = new Deno.UnsafePointerView(
      Deno.UnsafePointer.create(address + BigInt(i * HEADER))!,
    );
    return {
      type: view.getUint32(0),
      flags: view.getUint32(4),
      start: view.getBigUint64(16),
      size: view.getBigUint64(40),
    };
  });
  const own = headers.find(({ type }) => type === PT_PHDR);
  if (own === undefined) return [];
  const base = address - own.start;
  return headers.filter(({ type, flags }) => type === PT_LOAD && (flags & PF_W) === 0)
    .map(({ start, size }) => ({
      from: (base + start + page - 1n) / page * page,
      to: (base + start + size) / page * page,
    }));
}
