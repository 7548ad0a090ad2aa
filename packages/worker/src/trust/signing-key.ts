import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The key with which a worker certifies its tasks' artifacts. */
export interface SigningKey {
  /** The bare 32 bytes, in base64, for verifiers. */
  readonly publicKey: string;
  /** The bare 64 bytes of an ed25519 signature. */
  sign(bytes: Uint8Array): Uint8Array;
}

// The bytes before the seed in the PKCS #8 form of an ed25519 key.
const pkcs8Beginning = Buffer.from('302e020100300506032b657004220420', 'hex');
const seedBytes = 32;

const keyOf = (text: string): KeyObject => {
  if (text.includes('-----BEGIN')) return createPrivateKey(text);
  // As the original's tools write it: the seed in base64, alone or before the public half.
  const bytes = Buffer.from(text.trim(), 'base64');
  if (bytes.length !== seedBytes && bytes.length !== 2 * seedBytes) throw new Error('it holds no key');
  const der = Buffer.concat([pkcs8Beginning, bytes.subarray(0, seedBytes)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
};

/** Reads an ed25519 key: PEM, or the original's base64 of its seed. */
export const readSigningKey = async (path: string): Promise<SigningKey> => {
  try {
    const key = keyOf(await readFile(path, 'utf8'));
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it is of type ${key.asymmetricKeyType}`);
    const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
    return {
      publicKey: Buffer.from(x, 'base64url').toString('base64'),
      sign: (bytes) => sign(null, bytes, key),
    };
  } catch (error) {
    throw new Error(`${path} is not an ed25519 key: ${(error as Error).message}`);
  }
};

/** Whether a file is in one of some directories, which tasks are shown. */
export const isShown = async (path: string, shown: readonly string[]): Promise<boolean> => {
  const real = await realpath(path);
  const directories = new Set<string>();
  for (let above = dirname(real); ; above = dirname(above)) {
    directories.add(above);
    if (above === dirname(above)) break;
  }
  const places = await Promise.all(shown.map((one) => realpath(one).catch(() => one)));
  return places.some((place) => directories.has(place) || place === real);
};
