import { assertEquals } from "@std/assert";
import { sizeText } from "../src/size.ts";

Deno.test("sizeText() writes a size in the greatest unit that it has one of, and no more than it is", () => {
  const sizes: [bytes: number, text: string][] = [
    ...[[0, "0 B"], [999, "999 B"], [1000, "1 kB"], [9999, "9 kB"], [43_700, "43 kB"]] as const,
    ...[[999_999, "999 kB"], [1_000_000, "1.0 MB"], [1 << 20, "1.0 MB"]] as const,
    ...[[1_700_000, "1.7 MB"], [9_999_999, "9.9 MB"], [16 << 20, "16 MB"]] as const,
    ...[[999_999_999, "999 MB"], [1_700_000_000, "1.7 GB"], [25e9, "25 GB"]] as const,
    ...[[2e12, "2.0 TB"], [5e15, "5000 TB"]] as const,
  ].map(([bytes, text]) => [bytes, text]);
  for (const [bytes, text] of sizes) assertEquals(sizeText(bytes), text);
});
