import { assertEquals } from "@std/assert";
import { originText } from "../../src/core/origin.ts";
import { RETIRED } from "../../src/model/container.ts";
import type { Cause, Origin } from "../../src/model/pass.ts";

const AT = "2026-01-01T00:00:10.000Z";

Deno.test("originText() says every origin in words", () => {
  const deployer = { by: "deployer", who: null, entry: null } as const;
  const entry = { kind: "project", name: 'a "b"' } as const;
  const said: [Cause, Origin, string][] = [
    ["event", { by: "event", action: "die", at: AT }, `die at ${AT}`],
    ["sweep", { by: "event", action: "destroy", at: null }, "destroy"],
    ["pass", { by: "listing", at: AT }, `listing of ${AT}`],
    ["sweep", { by: "listing", at: AT }, `absent from the listing of ${AT}`],
    [
      "event",
      { by: "contender", at: AT },
      "read together with a container that contends for the row",
    ],
    ["deployer", { ...deployer, action: "bound" }, "bound by the deployer"],
    ["deployer", { ...deployer, action: "unbound", who: "ci" }, "unbound by ci"],
    ["deployer", { ...deployer, action: "removed", entry }, 'removed with project "a \\"b\\""'],
    ["event", { by: "prose", text: "die at some time" }, "die at some time"],
  ];
  for (const [cause, origin, text] of said) {
    assertEquals(originText({ cause, origin, to: "removed" }), text);
  }
  const origin = { ...deployer, action: "removed" } as const;
  assertEquals(
    originText({ cause: "deployer", origin, to: RETIRED }),
    "gone when what runs was accepted",
  );
});
