import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

/** Keeps secrets unreadable at rest. */
export interface Encryption {
  /** `<key id>.<base64url>`; the same text gives another result each time. */
  encrypt(text: string): string;
  /** Throws when the key is unknown, or when the text was changed. */
  decrypt(encrypted: string): string;
  /** Ids of keys that only decrypt. Their texts are encrypted again with the current key, so that they can be retired. */
  readonly oldKeyIds: readonly string[];
  /** A secret for a purpose that all processes with these keys share. It changes when the last of the keys is retired. */
  derive(purpose: string): string;
}

export interface EncryptionKeys {
  /**
   * 32 bytes as base64, by key id, the oldest last. Old keys stay here as long as there are texts that they encrypted. A map
   * keeps the order also of ids that are numbers; an object sorts those.
   */
  readonly keys: Map<string, string> | Readonly<Record<string, string>>;
  /** The id of the key that encrypts. */
  readonly current: string;
}

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
// GCM is designed for twelve random bytes, which are safe for four thousand million texts per key.
const nonceBytes = 12;
const tagBytes = 16;

const readKey = (id: string, base64: string): KeyObject => {
  const key = Buffer.from(base64, 'base64');
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id))
    throw new Error(`The encryption key id '${id}' must be letters, digits, - and _.`);
  if (key.length !== keyBytes)
    throw new Error(`The encryption key '${id}' must be ${keyBytes} bytes in base64.`);
  return createSecretKey(key);
};

/** AES-256-GCM. To rotate, add a key and make it current: what older keys encrypted stays readable. */
export const encryption = ({ keys, current }: EncryptionKeys): Encryption => {
  const given = keys instanceof Map ? [...keys] : Object.entries(keys);
  const known = new Map(given.map(([id, base64]) => [id, readKey(id, base64)]));
  const keyFor = (id: string): KeyObject => {
    const key = known.get(id);
    if (!key) throw new Error(`There is no encryption key '${id}'.`);
    return key;
  };
  keyFor(current);

  const encrypt = (text: string): string => {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv(algorithm, keyFor(current), nonce);
    const hidden = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
    return `${current}.${Buffer.concat(hidden).toString('base64url')}`;
  };

  const decrypt = (encrypted: string): string => {
    const dot = encrypted.indexOf('.');
    const bytes = Buffer.from(encrypted.slice(dot + 1), 'base64url');
    if (dot < 0 || bytes.length < nonceBytes + tagBytes) throw new Error('This is not an encrypted text.');
    const nonce = bytes.subarray(0, nonceBytes);
    const decipher = createDecipheriv(algorithm, keyFor(encrypted.slice(0, dot)), nonce, {
      authTagLength: tagBytes,
    });
    decipher.setAuthTag(bytes.subarray(-tagBytes));
    return decipher.update(bytes.subarray(nonceBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8');
  };

  const oldKeyIds = [...known.keys()].filter((id) => id !== current);
  const [oldest = current] = [...known.keys()].reverse();
  const derive = (purpose: string): string =>
    createHmac('sha256', keyFor(oldest)).update(`derived for ${purpose}`).digest('base64url');
  return { encrypt, decrypt, oldKeyIds, derive };
};
