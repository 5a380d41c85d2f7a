/**
 * `tinyforge systemd`: a unit for this binary and these flags, or one for the socket of its port.
 *
 * @module
 */

import { dirname } from "@std/path";
import type { DockerHost } from "../../docker_host.ts";
import { CONFIG_FLAGS, type ConfigFlag } from "../../flags.ts";
import { socketUnitText, unitText } from "../../system/systemd.ts";
import { EXIT, usageError } from "../command.ts";
import { quote, quotePath } from "../../text.ts";
import type { InvocationOf } from "../commands.ts";

/** Where the unit finds the binary when this program is not one. */
const INSTALLED = "/usr/local/bin/tinyforge";

/** Prints the unit; what differs from the defaults goes into its command line. */
export function run(invocation: InvocationOf<"systemd">): Promise<number> {
  const { out } = invocation;
  // Read for its checks too: a unit that can't start is no use.
  const { docker, listen, backupDir } = invocation.config();
  if (invocation.on("socket")) {
    if (listen === null) {
      throw usageError("Cannot write a socket unit: --listen none says there is no port", "");
    }
    out.raw(checked(() => socketUnitText(listen)));
    return Promise.resolve(EXIT.done);
  }
  const binary = Deno.build.standalone ? Deno.execPath() : INSTALLED;
  const settings = CONFIG_FLAGS.map((flag) => ({ ...flag, value: given(flag, invocation) }));
  const dataDir = settings.find(({ name }) => name === "data-dir")?.value;
  const args = settings
    .filter(({ name, value, fallback }) => name !== "data-dir" && value && value !== fallback)
    .map(({ name, value }) => `--${name}=${value}`);
  const environment = tlsEnvironment(docker);
  out.raw(checked(() =>
    unitText({
      binary,
      args,
      environment,
      backupDir: backupDir ?? undefined,
      ...(dataDir && { dataDir: dataDir.replace(/\/+$/, "") }),
    })
  ));
  const certificates = environment["DOCKER_CERT_PATH"];
  if (certificates !== undefined && isHidden(certificates)) {
    out.notes(
      `The service can't see the certificates in ${quotePath(certificates)}: copy ` +
        "them to a directory like /etc/tinyforge/certs and name it in DOCKER_CERT_PATH.",
    );
  }
  const named = settings.find(({ name }) => name === "docker-host")?.value;
  const socket = named && docker.kind === "unix" ? docker.path : "";
  if (isHidden(socket)) {
    out.notes(`The service can't see the Engine's socket ${quote(socket)}: name one elsewhere.`);
  }
  if (backupDir !== null && !backupDir.startsWith("/var/lib/")) {
    out.notes(
      `The service runs as a user of its own in the group docker, which must be able to write to ` +
        `${quotePath(backupDir)}; a directory below /var/lib is made for it.`,
    );
  }
  if (!Deno.build.standalone) {
    out.notes(`This is not the compiled program: put it at ${INSTALLED} (deno task compile).`);
  } else if (isHidden(binary)) {
    out.notes(`The service can't see ${quote(binary)}: move it to ${INSTALLED} and print again.`);
  }
  return Promise.resolve(EXIT.done);
}

/** Docker's own variables, which have no flag. */
function tlsEnvironment(docker: DockerHost): Readonly<Record<string, string>> {
  if (docker.kind !== "tcp" || docker.tls === undefined) return {};
  return { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: dirname(docker.tls.ca) };
}

/** Whether a service is kept from seeing this path: ProtectHome and PrivateTmp do. */
function isHidden(path: string): boolean {
  return /^\/(home|root|run\/user|tmp|var\/tmp)(\/|$)/.test(path);
}

/** As the configuration reads it: a service doesn't get this environment. */
function given({ name, env }: ConfigFlag, { flag }: InvocationOf<"systemd">): string | undefined {
  return flag(name) ?? env.map((variable) => Deno.env.get(variable)).find(Boolean);
}

function checked(text: () => string): string {
  try {
    return text();
  } catch (error) {
    if (error instanceof TypeError) throw usageError(error.message, "");
    throw error;
  }
}
