/** Text of other programs as a person may read it: without colors, marks of terminals and characters that cannot be sent. */
export const plain = (text: string): string =>
  text
    // Sequences of terminals: colors, cursor movements, titles of windows.
    .replace(/\u001b(\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(\u0007|\u001b\\)|[@-Z\\-_])/g, '')
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '')
    .replace(/\p{Surrogate}/gu, '\ufffd');

const mark = '\n… (cut)';

/**
 * Text of at most this many bytes of UTF-8, cut at a character's border and marked where it was longer. GitHub counts
 * characters in some places and bytes in others; there are never more characters than bytes, by whatever count.
 */
export const cutTo = (text: string, bytesMax: number, sign = mark): string => {
  const bytes = Buffer.from(text);
  if (bytes.length <= bytesMax) return bytes.toString();
  let end = Math.max(0, bytesMax - Buffer.byteLength(sign));
  // Bytes that go on with a character begin with 10.
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end) + sign;
};

/** One line of at most this many bytes. */
export const lineOf = (text: string, bytesMax: number): string =>
  cutTo(plain(text).replace(/\s+/g, ' ').trim(), bytesMax, '…');

/** Text as a block of code in Markdown: the fence is longer than any in the text. */
export const fenced = (text: string): string => {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
};

/** A part of a text, and what is put around it. */
export interface Part {
  readonly text: string;
  wrap?(text: string): string;
}

const asItIs = (text: string): string => text;

/** A part in at most this many bytes, cut before it is wrapped; undefined when there is no room. */
const within = ({ text, wrap = asItIs }: Part, bytesMax: number): string | undefined => {
  // What is put around the whole is at least as long as what is put around less of it.
  const around = Buffer.byteLength(wrap(text)) - Buffer.byteLength(text);
  return around + Buffer.byteLength(mark) < bytesMax ? wrap(cutTo(text, bytesMax - around)) : undefined;
};

/** Parts one below the other, at most this many bytes in all: the later ones give way, and blocks of code are closed. */
export const stacked = (parts: readonly Part[], bytesMax: number): string => {
  let whole = '';
  for (const part of parts) {
    if (part.text === '') continue;
    const before = whole === '' ? '' : `${whole}\n\n`;
    const added = within(part, bytesMax - Buffer.byteLength(before));
    if (added === undefined) break;
    whole = before + added;
  }
  return whole;
};
