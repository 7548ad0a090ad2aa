const utf8 = new TextEncoder();

/** The bytes as base64 text. Browsers have no Buffer, hence not its method. */
export const toBase64 = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
};

/** Base64 in the alphabet of URLs, without padding. */
export const toBase64Url = (bytes: Uint8Array): string =>
  toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

/** The UTF-8 bytes of a text. */
export const toBytes = (text: string): Uint8Array<ArrayBuffer> => utf8.encode(text);

export type Sign = (text: string) => Uint8Array | Promise<Uint8Array>;

// Node's own module signs at once; that of browsers takes a turn through a thread, and several times as long.
const nodeCrypto = globalThis.process?.getBuiltinModule?.('node:crypto');

/** A function that signs texts with this key (HMAC-SHA256). */
export const hmacSha256 = async (key: string): Promise<Sign> => {
  if (nodeCrypto) return (text) => nodeCrypto.createHmac('sha256', key).update(text).digest();
  return browserHmacSha256(key);
};

/** The same with what browsers have. */
export const browserHmacSha256 = async (key: string): Promise<Sign> => {
  const { subtle } = crypto;
  if (!subtle) throw new Error('Signing needs a secure context: HTTPS, or a page on localhost.');
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const imported = await subtle.importKey('raw', toBytes(key), algorithm, false, ['sign']);
  return async (text) => new Uint8Array(await subtle.sign('HMAC', imported, toBytes(text)));
};
