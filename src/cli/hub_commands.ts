/**
 * The part of the command table that is about many hosts. Loads no command.
 *
 * @module
 */

import type { Command, Flag } from "./command.ts";
import { JSON_FLAG } from "./shared_flags.ts";

const HOST = { name: "NAME" } as const;

/** Where a hub is found by what asks it. */
const OVER_ITS_SOCKET = "Asked of the hub over its socket: --data-dir names its directory.";

/** Where a hub's database stands, with its password. */
export const DATABASE_FILE = {
  name: "database-file",
  placeholder: "FILE",
  description: "a file with the URL of the hub's database and nothing else",
  path: "file",
} as const satisfies Flag;

/** What seals what nobody is shown of its channels. */
export const CHANNEL_KEY_FILE = {
  name: "channel-key-file",
  placeholder: "FILE",
  description: "a file with a private key of age that seals the channels' secrets in its database",
  path: "file",
} as const satisfies Flag;

/** In the order of the usage text. */
export const HUB_COMMANDS = [
  {
    name: "hub",
    summary: "serve the index of many hosts out of one PostgreSQL",
    operands: [],
    flags: [
      {
        name: "database",
        placeholder: "URL",
        description: "postgres://…, 15 or newer; or in TINYFORGE_DATABASE",
      },
      DATABASE_FILE,
      CHANNEL_KEY_FILE,
    ],
    details: `Keeps only a socket and a token in --data-dir, which is not a daemon's. A command line
can be read by who is on this machine: a URL with a password is taken from --database-file
or TINYFORGE_DATABASE alone. On another machine the database's certificate is verified,
unless the URL says sslmode=disable; sslrootcert=FILE names an authority of one's own.
Of several hosts, postgres://user@a,b/name, the one is used that can be written to.
All hubs of one database need the same --channel-key-file, as age-keygen writes it; what was kept
without is sealed at the start, and with a new key before the old one in the file, anew.`,
    examples: [
      "tinyforge hub --data-dir /var/lib/tinyforge-hub --listen 0.0.0.0:7480 --tls-cert … --tls-key …",
    ],
  },
  {
    name: "hub enroll",
    summary: "print the command that lets a host in, once within an hour",
    operands: [HOST],
    flags: [
      {
        name: "url",
        placeholder: "URL",
        description: "where hosts reach the hub: https://host:port",
      },
      JSON_FLAG,
    ],
    details: OVER_ITS_SOCKET,
    examples: [
      "tinyforge hub enroll web-1 --url https://hub.example.org --data-dir /var/lib/tinyforge-hub",
    ],
  },
  {
    name: "hub list",
    summary: "the hub's hosts, and how long ago each was heard of",
    operands: [],
    flags: [JSON_FLAG],
    details: OVER_ITS_SOCKET,
  },
  {
    name: "hub status",
    summary: "how the hub is: its database, its hosts and their rows",
    operands: [],
    flags: [JSON_FLAG],
    details: OVER_ITS_SOCKET,
  },
  {
    name: "hub healthcheck",
    summary: "whether the hub and its database work: exit code 0 or 1",
    operands: [],
    flags: [JSON_FLAG],
    details: OVER_ITS_SOCKET,
  },
  {
    name: "hub rm",
    summary: "forget a host, its rows and its secret",
    operands: [HOST],
    flags: [JSON_FLAG],
    details: OVER_ITS_SOCKET,
  },
  {
    name: "join",
    summary: "have a hub be told what runs on this host",
    operands: [{ name: "URL" }, { name: "TOKEN", optional: true }],
    flags: [
      {
        name: "ca",
        placeholder: "FILE",
        description: "PEM file of the authority that signed the hub's certificate",
        path: "file",
      },
      {
        name: "notify",
        description: "go on telling people by this host's own channels, whatever the hub does",
      },
      JSON_FLAG,
    ],
    details: `As \`tinyforge hub enroll\` prints it. A running daemon takes it up within seconds;
the index stays this host's own, and is kept whether the hub is there or not. While the hub has
channels it tells people what is wrong here, and this host's own are quiet; they are not any more
when the hub was not reached for ten minutes.
--ca is for a certificate of an authority of one's own, or one signed by itself: a copy
is kept. With --ca and no TOKEN a host that joined believes this authority from now on.`,
    examples: ["tinyforge join https://hub.example.org:7480 TOKEN --ca /etc/ssl/our-ca.pem"],
  },
  {
    name: "leave",
    summary: "tell the hub nothing more; there this host is unknown then",
    operands: [],
    flags: [JSON_FLAG],
    details: "`tinyforge hub rm` there forgets it.",
  },
] as const satisfies readonly Command[];
