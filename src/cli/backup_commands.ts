/**
 * The part of the command table that is about backups. Loads no command.
 *
 * @module
 */

import type { Command } from "./command.ts";
import { JSON_FLAG } from "./shared_flags.ts";

const IDENTITY_FLAG = {
  name: "identity",
  placeholder: "FILE",
  path: "file",
  description: "file of the private key, as age-keygen writes it",
} as const;

/** The commands that make, check and restore backups. */
export const BACKUP_COMMANDS = [
  {
    name: "backup",
    summary: "copy the index into one file, with or without a daemon",
    operands: [{ name: "FILE|DIR|-", optional: true, path: "file" }],
    flags: [
      {
        name: "recipient",
        placeholder: "KEYS",
        description: "public keys (age1…) to encrypt to, separated by commas",
        list: true,
      },
      JSON_FLAG,
    ],
    details: `In a directory (default: --backup-dir, else the present one) it gets a name with
its time; - writes it to stdout. Nothing is overwritten. Without recipients (here or
in --backup-recipients) it is not encrypted: then the access token and the secrets
of channels are left out, but webhook secrets are part of the index.`,
    examples: [
      "tinyforge backup /mnt/backups/ --recipient age1…",
      "tinyforge backup - | restic backup --stdin --stdin-filename tinyforge.tar",
    ],
  },
  {
    name: "backup verify",
    summary: "take a backup apart as a restore would, and say what is in it",
    operands: [{ name: "FILE", path: "file" }],
    flags: [IDENTITY_FLAG, JSON_FLAG],
    details: "FILE may be - for stdin. Nothing is changed.",
    examples: ["tinyforge backup verify tinyforge-20261127T020000Z.tar.age --identity key.txt"],
  },
  {
    name: "restore",
    summary: "put a backup in the index's place, and keep what was there",
    operands: [{ name: "FILE", path: "file" }],
    flags: [IDENTITY_FLAG, JSON_FLAG],
    details: `FILE may be - for stdin. A running daemon must be stopped first. The backup is checked
before anything is replaced; what was there stays in before-restore-TIME in the data
directory, which --data-dir can name.`,
    examples: ["tinyforge restore tinyforge-20261127T020000Z.tar.age --identity key.txt"],
  },
] as const satisfies readonly Command[];
