/**
 * Packages whose services nobody here needs, as Debian's own scripts ask before they start them.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { installQuietly } from "../../src/dev/quiet_services.ts";
import { missing } from "../harness/missing.ts";

const WANTS = "etc/systemd/system/multi-user.target.wants";
const POLICY = "usr/sbin/policy-rc.d";

const debian = await Deno.stat("/usr/bin/deb-systemd-invoke").then(() => Deno.test, () => {
  return (name: string) => missing(name, "this is no Debian");
});

// Of no package: a real one would be started here, were it not kept from it.
const [WEB, METRICS, OTHER, OTHER_BEFORE] = ["web", "metrics", "other", "before"]
  .map((name) => `tinyforge-test-${name}`) as [string, string, string, string];

/** A system of a test's own: folders, and nothing that runs. */
class System implements AsyncDisposable {
  readonly root = Deno.makeTempDirSync({ prefix: "tinyforge-system-" });

  constructor() {
    for (const folder of [WANTS, "usr/sbin", "usr/lib/systemd/system"]) {
      Deno.mkdirSync(join(this.root, folder), { recursive: true });
    }
  }

  /** As a package does it: a unit that is enabled. */
  async add(service: string): Promise<void> {
    const unit = `/usr/lib/systemd/system/${service}.service`;
    await Deno.writeTextFile(
      `${this.root}${unit}`,
      "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
    );
    await Deno.symlink(unit, join(this.root, WANTS, `${service}.service`));
  }

  /** What Debian's script says that starts a service, which must be one that may not. */
  async start(service: string): Promise<string> {
    const args = ["start", `${service}.service`];
    const env = { DPKG_ROOT: this.root };
    const { stderr } = await new Deno.Command("deb-systemd-invoke", { args, env }).output();
    return new TextDecoder().decode(stderr);
  }

  /** The policy's answer, as invoke-rc.d asks for it. */
  async asked(service: string): Promise<number> {
    const args = ["--quiet", service, "(start)", "2"];
    return (await new Deno.Command(join(this.root, POLICY), { args }).output()).code;
  }

  /** Services that start at the next boot. */
  enabled(): string[] {
    return [...Deno.readDirSync(join(this.root, WANTS))].map(({ name }) => name).sort();
  }

  policy(): string | null {
    try {
      return Deno.readTextFileSync(join(this.root, POLICY));
    } catch {
      return null;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

debian(
  "installQuietly() lets the services of what it installs not start, now or later",
  async () => {
    await using system = new System();
    await system.add(OTHER_BEFORE);
    const asked: Record<string, number> = {};
    const said: string[] = [];
    await installQuietly([WEB, METRICS], {
      root: system.root,
      install: async () => {
        for (const service of [WEB, METRICS, OTHER]) {
          await system.add(service);
          asked[service] = await system.asked(service);
          if (service !== OTHER) said.push(await system.start(service));
        }
      },
    });
    assertEquals(asked, { [WEB]: 101, [METRICS]: 101, [OTHER]: 0 });
    for (const each of said) assertStringIncludes(each, "policy-rc.d returned 101, not running");
    assertEquals(system.enabled(), [`${OTHER_BEFORE}.service`, `${OTHER}.service`]);
    assertEquals(system.policy(), null);
  },
);

debian("installQuietly() leaves a service that somebody has, and its start as it is", async () => {
  await using system = new System();
  await system.add(WEB);
  await installQuietly([WEB, METRICS], {
    root: system.root,
    install: async () => {
      assertStringIncludes(await system.start(WEB), "policy-rc.d returned 101");
      await system.add(METRICS);
    },
  });
  assertEquals(system.enabled(), [`${WEB}.service`]);
});

debian(
  "installQuietly() leaves another's policy alone, and replaces one that it left itself",
  async () => {
    await using system = new System();
    const path = join(system.root, POLICY);
    await Deno.writeTextFile(path, "#!/bin/sh\nexit 0\n", { mode: 0o755 });
    const install = () => Promise.resolve();
    await installQuietly([WEB], { root: system.root, install });
    assertEquals(system.policy(), "#!/bin/sh\nexit 0\n");
    await Deno.remove(path);

    let left = "";
    const killed = () => {
      left = system.policy()!;
      return Promise.resolve();
    };
    await installQuietly([WEB], { root: system.root, install: killed });
    await Deno.writeTextFile(path, left, { mode: 0o755 });
    await installQuietly([WEB], { root: system.root, install });
    assertEquals(system.policy(), null);
  },
);

Deno.test("installQuietly() makes nothing where no service comes along", async () => {
  await using system = new System();
  await installQuietly([], {
    root: system.root,
    install: () => {
      assertEquals(system.policy(), null);
      return Promise.resolve();
    },
  });
});
