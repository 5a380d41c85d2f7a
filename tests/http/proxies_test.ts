import { assertEquals } from "@std/assert";
import { run } from "../engines/run.ts";
import { missing } from "../harness/missing.ts";
import { DENO_ARGS } from "../harness/program.ts";

const NAME =
  "No proxy variable touches the daemon's socket, the Engine's, or an Engine on loopback";

if (Deno.uid() === 0) {
  Deno.test(NAME, async () => {
    const rights = ["read", "write", "net", "env", "run", "sys"].map((right) => `--allow-${right}`);
    const script = `${import.meta.dirname}/behind_proxies.ts`;
    const said = await run("unshare", [
      ...["--net", Deno.execPath(), "run", "--quiet", "--no-prompt", ...rights, script],
      ...[Deno.execPath(), ...DENO_ARGS],
    ]);
    const { strays, results } = JSON.parse(said);
    assertEquals(
      results.filter((each: { well: boolean }) => !each.well),
      [],
    );
    assertEquals([strays, results.length], [[], 10]);
  });
} else missing(NAME, "a network of its own needs root");
