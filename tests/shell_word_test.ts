import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { shellCommand, shellWord } from "../src/shell_word.ts";

Deno.test("shellWord() quotes what a shell would not leave as it is, and nothing else", () => {
  assertEquals(["shop", "a.b_c-d", "a b", "$(reboot)", "it's", "", "-x", "~", "*"].map(shellWord), [
    "shop",
    "a.b_c-d",
    "'a b'",
    "'$(reboot)'",
    "'it'\\''s'",
    "''",
    "'-x'",
    "'~'",
    "'*'",
  ]);
});

Deno.test("shellWord() is read back by a shell as it was", async () => {
  const values = fc.sample(fc.string({ minLength: 1, maxLength: 12 }), 60)
    .concat(["$(id)", "`id`", "a'b\"c\\", "!x", "a\nb", "${HOME}", "#", "~", "--"])
    .filter((value) => !value.includes("\u0000"));
  const script = values.map((value) => `printf '%s\\0' ${shellWord(value)}`).join("\n");
  const { stdout } = await new Deno.Command("sh", { args: ["-c", script], stdout: "piped" })
    .output();
  assertEquals(new TextDecoder().decode(stdout).split("\u0000").slice(0, -1), values);
});

Deno.test("shellCommand() takes no value for a flag, and makes none of what can't be seen", () => {
  assertEquals(shellCommand(["tinyforge", "adopt"], ["my shop"]), "tinyforge adopt 'my shop'");
  assertEquals(shellCommand(["tinyforge", "adopt"], ["--all"]), "tinyforge adopt -- '--all'");
  for (const value of ["a\nb", "a\u202eb", "a\u200bb", "\ud800"]) {
    assertEquals(shellCommand(["tinyforge"], [value]), null);
  }
});
