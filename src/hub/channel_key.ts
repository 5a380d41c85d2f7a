/**
 * Seals what nobody is shown of channels, in a database that others may read: with a private key of
 * age that all hubs of it are given. Without one it stands there as it is. Knows no table.
 *
 * @module
 */

import { Failure } from "../failure.ts";
import { keptJson } from "../store/kept_json.ts";
import { quotePath } from "../text.ts";
import { readTrusted } from "./database_url.ts";

/** What nobody is shown of a channel. */
export type ChannelSecrets = Readonly<Record<string, string>>;

/** Seals and opens it. */
export interface ChannelVault {
  /** As it is kept. */
  seal(secrets: ChannelSecrets): Promise<string>;
  /** What was kept, with this key or without any. Throws a Failure, `hub-database`. */
  open(kept: string): Promise<ChannelSecrets>;
  /** Whether it is to be kept anew: it was without a key, or with another one. */
  isOld(kept: string): Promise<boolean>;
}

/** What a sealed text begins with; what is not sealed is JSON. */
const SEALED = "age:";

const PRIVATE_KEY = /^AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]+$/;

/** Without a key. */
export const UNSEALED: ChannelVault = {
  seal: (secrets) => Promise.resolve(JSON.stringify(secrets)),
  open: (kept) => {
    if (!kept.startsWith(SEALED)) {
      return Promise.try(keptJson<ChannelSecrets>, kept, "channels.secrets");
    }
    return Promise.reject(keyFailure("its channels' secrets are sealed, with a key of other hubs"));
  },
  isOld: () => Promise.resolve(false),
};

/**
 * With the private keys in a file as `age-keygen` writes it: seals with the first, opens with any.
 *
 * @throws {Failure} `hub-database`
 */
export async function channelVault(path: string): Promise<ChannelVault> {
  const identities = (await readTrusted(path)).split("\n").map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (identities.length === 0 || !identities.every((key) => PRIVATE_KEY.test(key))) {
    throw keyFailure(`${quotePath(path)} has something else than private keys of age in it`);
  }
  const { Decrypter, Encrypter, identityToRecipient } = await import("age-encryption");
  const decrypterWith = (keys: readonly string[]) => {
    const decrypter = new Decrypter();
    for (const key of keys) decrypter.addIdentity(key);
    return decrypter;
  };
  const encrypter = new Encrypter();
  let first: InstanceType<typeof Decrypter>;
  let any: InstanceType<typeof Decrypter>;
  try {
    encrypter.addRecipient(await identityToRecipient(identities[0]!));
    [first, any] = [decrypterWith(identities.slice(0, 1)), decrypterWith(identities)];
  } catch (cause) {
    throw keyFailure("the key of its channels' secrets is not complete", cause);
  }
  const opened = async (kept: string, decrypter: typeof any): Promise<ChannelSecrets> =>
    JSON.parse(
      await decrypter.decrypt(Uint8Array.fromBase64(kept.slice(SEALED.length)), "text"),
    );
  return {
    seal: async (secrets) => SEALED + (await encrypter.encrypt(JSON.stringify(secrets))).toBase64(),
    open: async (kept) => {
      if (!kept.startsWith(SEALED)) return keptJson(kept, "channels.secrets");
      try {
        return await opened(kept, any);
      } catch (cause) {
        throw keyFailure("its channels' secrets are sealed with another key", cause);
      }
    },
    isOld: async (kept) =>
      !kept.startsWith(SEALED) || await opened(kept, first).then(() => false, () => true),
  };
}

function keyFailure(reason: string, cause?: unknown): Failure<"hub-database"> {
  return new Failure("hub-database", `Cannot use the database: ${reason}`, {
    data: { wrong: "channel-key" },
    cause,
  });
}
