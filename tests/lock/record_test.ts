/**
 * The texts in the lock's files.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  inodeOf,
  isComplete,
  isCopied,
  isCopiedAlong,
  isRecorded,
  isUnchanged,
  parsePid,
  parseRecord,
  pidText,
  recordText,
} from "../../src/lock/record.ts";
import { PEEK_BYTES } from "../../src/lock/attempt.ts";

Deno.test("parsePid() reads what pidText() writes", () => {
  for (const pid of [1, 42, 4_194_304, 2 ** 31 - 1]) {
    assertEquals(parsePid(pidText(pid)), pid);
    assert(isComplete(pidText(pid)));
  }
  assertEquals(pidText(7), "7\n");
});

Deno.test("parsePid() forgives blanks and nothing else", () => {
  for (const text of ["12", " 12\n", "12\r\n", "12\n\n", "\t12 "]) assertEquals(parsePid(text), 12);
  const malformed = ["", "\n", "0", "-1", "+1", "1.5", "1e3", "0x1", "012", "12x", "1 2", "12\0"];
  for (const text of [...malformed, "2147483648", "4294967297", "1".repeat(100), "١"]) {
    assertEquals(parsePid(text), null, JSON.stringify(text));
  }
});

Deno.test("parseRecord() reads what recordText() writes, whatever was there before", () => {
  const inode = String(2n ** 64n - 1n);
  const begun = { pid: 2 ** 31 - 1, mtime: null, inode, guard: inode };
  const records = [
    begun,
    { ...begun, mtime: 8_640_000_000_000_000 },
    { ...begun, pid: 7, mtime: -1 },
    null,
  ];
  for (const record of records) {
    assertEquals(parseRecord(recordText(record)), record);
    assertEquals(recordText(record).length, recordText(null).length);
  }
  assert(recordText(null).length <= PEEK_BYTES);
  for (
    const text of [
      ...["", "free\n", "pid=0 mtime=1\n", "pid=1 mtime=1", "pid=1\n", "pid=x inode=1\n"],
      "pid=1 guard=1\n",
    ]
  ) {
    assertEquals(parseRecord(text), null, JSON.stringify(text));
  }
});

Deno.test("parseRecord() reads what a version wrote that noted less", () => {
  const unknown = { mtime: null, inode: null, guard: null };
  assertEquals(parseRecord("pid=42 mtime=1000   \n"), { ...unknown, pid: 42, mtime: 1_000 });
  assertEquals(parseRecord("pid=42 inode=30   \n"), { ...unknown, pid: 42, inode: "30" });
});

Deno.test("isRecorded() knows a complete lock by its time, a begun one by its inode", () => {
  const whole = { id: "8:30", text: "42\n", mtime: 1_000 };
  const begun = { pid: 42, mtime: null, inode: "30", guard: "20" };
  const complete = { ...begun, mtime: 1_000 };
  assert(isRecorded(complete, whole));
  assert(isRecorded(complete, { ...whole, id: "9:31" }));
  assert(!isRecorded({ ...complete, mtime: 1_001 }, whole));
  assert(!isRecorded({ ...complete, pid: 43 }, whole));
  assert(!isRecorded(null, whole));
  assert(isRecorded(begun, whole));
  assert(isRecorded(begun, { ...whole, text: "" }));
  assert(isRecorded(begun, { ...whole, text: "4" }));
  assert(!isRecorded(begun, { ...whole, text: "41\n" }));
  assert(!isRecorded({ ...begun, inode: "31" }, { ...whole, text: "" }));
  assert(!isRecorded(complete, { ...whole, text: "" }));
  assertEquals(inodeOf("8:30"), "30");
});

Deno.test("isUnchanged() sees another file, another text and another time", () => {
  const seen = { id: "8:30", text: "42\n", mtime: 1_000 };
  assert(isUnchanged(seen, { ...seen }));
  assert(!isUnchanged(null, seen));
  for (const other of [{ id: "8:31" }, { text: "4" }, { mtime: 1_001 }]) {
    assert(!isUnchanged(seen, { ...seen, ...other }), JSON.stringify(other));
  }
});

Deno.test("isCopied() and isCopiedAlong() tell a copied directory from a replaced guard", () => {
  const record = { pid: 42, mtime: 1_000, inode: "30", guard: "20" };
  assert(!isCopied(record, "8:20"));
  assert(isCopied(record, "8:21"));
  assert(!isCopied({ ...record, guard: null }, "8:21"));
  assert(!isCopied(null, "8:21"));
  const copy = { id: "8:31", text: "42\n", mtime: 2_000 };
  assert(isCopiedAlong(record, copy));
  // The owner's own file: only the guard was put there anew.
  assert(!isCopiedAlong(record, { ...copy, id: "8:30" }));
  // Somebody else's, or one that somebody is about to write.
  assert(!isCopiedAlong(record, { ...copy, text: "43\n" }));
  assert(!isCopiedAlong(record, { ...copy, text: "" }));
  assert(!isCopiedAlong(null, copy));
});
