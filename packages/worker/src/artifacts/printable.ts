const charactersMax = 1024;

/** A valid artifact name: each byte that is not printable ASCII is written as %XX. */
export const printable = (name: string | Buffer): string =>
  typeof name === 'string' && isPrintable.test(name) ? name.slice(0, charactersMax) : escaped(name);

const isPrintable = /^[\x20-\x7e]*$/;

const escaped = (name: string | Buffer): string =>
  [...Buffer.from(name as string)]
    .map((byte) =>
      byte >= 0x20 && byte <= 0x7e
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('')
    .slice(0, charactersMax);
