/**
 * What a person at a command line can do about a certificate that can't be used. Pure.
 *
 * @module
 */

import type { FailureData } from "../failure.ts";

const MAY_READ =
  "the daemon's user must be able to read it, and nobody but that user and root to " +
  "write to it";

/** By what can't be used and why. */
export const CERTIFICATE: Readonly<
  Record<
    FailureData["certificate"]["what"],
    Readonly<Record<FailureData["certificate"]["wrong"], string>>
  >
> = {
  certificate: {
    file: MAY_READ,
    form: "name the full chain in PEM form with --tls-cert",
    other: "",
  },
  key: {
    file: MAY_READ,
    form: "name the private key in PEM form, not encrypted, with --tls-key",
    other: "--tls-cert and --tls-key must belong together",
  },
};
