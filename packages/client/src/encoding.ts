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

/** A function that signs texts with this key (HMAC-SHA256), by the cryptography of the platform. */
export const hmacSha256 = async (key: string): Promise<(text: string) => Promise<Uint8Array>> => {
  const { subtle } = crypto;
  if (!subtle) throw new Error('Signing needs a secure context: HTTPS, or a page on localhost.');
  const imported = await subtle.importKey('raw', toBytes(key), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ]);
  return async (text) => new Uint8Array(await subtle.sign('HMAC', imported, toBytes(text)));
};
