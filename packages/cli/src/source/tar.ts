/** An entry of an archive: a file with its bytes, or a symbolic link with its target. */
export type TarEntry =
  | { readonly name: string; readonly bytes: Uint8Array; readonly isExecutable: boolean }
  | { readonly name: string; readonly target: string };

const blockBytes = 512;
// The same for all entries, so that equal files give equal archives. Zip programs support no earlier year.
const modified = Date.UTC(1980, 0, 1) / 1000;

interface Header {
  readonly name: string;
  readonly type: '0' | '2' | 'x';
  readonly size: number;
  readonly mode: number;
  readonly target?: string;
}

/** A number of a header: octal digits and a zero byte. */
const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;

const headerOf = ({ name, type, size, mode, target = '' }: Header): Buffer => {
  const header = Buffer.alloc(blockBytes);
  header.write(name, 0, 100);
  header.write(octal(mode, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(size, 12), 124);
  header.write(octal(modified, 12), 136);
  header.write(' '.repeat(8), 148);
  header.write(type, 156);
  header.write(target, 157, 100);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
};

const padded = (bytes: Uint8Array): Uint8Array[] => {
  const rest = bytes.byteLength % blockBytes;
  return rest === 0 ? [bytes] : [bytes, Buffer.alloc(blockBytes - rest)];
};

/** A record of an extended header, which begins with its own length. */
const recordOf = (key: string, value: string): string => {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + String(bytes).length;
  if (String(length).length > String(bytes).length) length = bytes + String(length).length;
  return `${length}${rest}`;
};

/** An extended header before the plain one, for values that do not fit into it. */
const extensionOf = (name: string, target: string | undefined): Uint8Array[] => {
  const isLong = (text: string | undefined): text is string =>
    text !== undefined && Buffer.byteLength(text) > 100;
  const records = [
    ...(isLong(name) ? [recordOf('path', name)] : []),
    ...(isLong(target) ? [recordOf('linkpath', target)] : []),
  ];
  if (records.length === 0) return [];
  const bytes = Buffer.from(records.join(''));
  return [headerOf({ name: 'extended', type: 'x', size: bytes.length, mode: 0o644 }), ...padded(bytes)];
};

/** The bytes of an entry in a tar archive (POSIX 2001). They depend only on the entry. */
export const tarEntry = (entry: TarEntry): Uint8Array[] => {
  const { name } = entry;
  if ('target' in entry) {
    const { target } = entry;
    return [...extensionOf(name, target), headerOf({ name, type: '2', size: 0, mode: 0o777, target })];
  }
  const { bytes, isExecutable } = entry;
  const mode = isExecutable ? 0o755 : 0o644;
  return [
    ...extensionOf(name, undefined),
    headerOf({ name, type: '0', size: bytes.byteLength, mode }),
    ...padded(bytes),
  ];
};

/** The end of an archive. */
export const tarEnd = (): Uint8Array => Buffer.alloc(2 * blockBytes);
