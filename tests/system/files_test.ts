import { assertEquals } from "@std/assert";
import { fitsSocket, lookAtSocket, readSmallFile, subfolders } from "../../src/system/files.ts";

const FILES = new URL("../../src/system/files.ts", import.meta.url).href;

Deno.test("lookAtSocket() follows links and tells apart what is there", async () => {
  const dir = await Deno.makeTempDir();
  try {
    using _listener = Deno.listen({ transport: "unix", path: `${dir}/s` });
    await Deno.symlink(`${dir}/s`, `${dir}/link`);
    await Deno.symlink(`${dir}/gone`, `${dir}/dangling`);
    await Deno.symlink(`${dir}/loop`, `${dir}/loop`);
    await Deno.writeTextFile(`${dir}/file`, "");
    const looks = ["s", "link", "dangling", "loop", "file", "none", "file/below", "."].map((name) =>
      lookAtSocket(`${dir}/${name}`)
    );
    assertEquals(looks, [
      ...["usable", "usable", "nothing", "nothing", "no-socket", "nothing", "nothing", "no-socket"],
    ]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("lookAtSocket() knows a socket, and a folder, that is closed to this user", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/closed`);
    using _listener = Deno.listen({ transport: "unix", path: `${dir}/s` });
    using _inside = Deno.listen({ transport: "unix", path: `${dir}/closed/s` });
    await Deno.chmod(`${dir}/s`, 0o400);
    await Deno.chmod(`${dir}/closed`, 0o600);
    const program = `import { lookAtSocket } from ${JSON.stringify(FILES)};
      console.log(JSON.stringify(Deno.args.map((path) => lookAtSocket(path))));`;
    const deno = [Deno.execPath(), "eval", "--quiet", program, `${dir}/s`, `${dir}/closed/s`];
    // Root may open everything until that right is taken from it.
    const command = Deno.uid() === 0
      ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search", ...deno]
      : deno;
    const { stdout, stderr } = await new Deno.Command(command[0]!, { args: command.slice(1) })
      .output();
    const said = new TextDecoder().decode(stdout);
    assertEquals(said, '["forbidden","forbidden"]\n', new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("readSmallFile() and subfolders() find nothing where nothing can be read", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/b`);
    await Deno.mkdir(`${dir}/a`);
    await Deno.writeTextFile(`${dir}/file`, "text");
    await Deno.writeTextFile(`${dir}/big`, "x".repeat((1 << 20) + 1));
    assertEquals(subfolders(dir), ["a", "b"]);
    assertEquals([subfolders(`${dir}/file`), subfolders(`${dir}/none`)], [[], []]);
    const read = ["file", "big", "a", "none"].map((name) => readSmallFile(`${dir}/${name}`));
    assertEquals(read, ["text", null, null, null]);
    // What is no file may be read without an end, or never give anything.
    assertEquals(readSmallFile("/dev/null"), null);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("fitsSocket() counts bytes, not characters", () => {
  assertEquals(["x".repeat(107), "x".repeat(108), "ä".repeat(54)].map(fitsSocket), [
    ...[true, false, false],
  ]);
});
