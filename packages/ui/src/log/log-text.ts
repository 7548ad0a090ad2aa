/** A part of a log as text, with its lines; those that are not over yet are not among them. */
export interface Piece {
  /** The number of its first line, from 0. */
  readonly first: number;
  readonly text: string;
  /** How many lines it has. */
  readonly count: number;
  /** They are made when they are first asked for. */
  readonly lines: readonly string[];
}

/** Bytes of a log. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

interface Block extends Span {
  readonly first: number;
  readonly count: number;
}

/** So much of a log is kept, in bytes. What is let go is read again when it is wanted. */
const keptMax = 32 * 2 ** 20;
/** Lines are kept together in so many bytes. One that is longer than `lineMax` is taken for several. */
const [blockBytes, lineMax] = [64 * 2 ** 10, 2 ** 20];
/** Of so many blocks the text is kept beside the bytes. */
const piecesMax = 64;
const newline = 10;

/** A carriage return begins its line again, as progress bars want it. */
const settle = (line: string): string =>
  line.includes('\r') ? line.slice(line.lastIndexOf('\r', line.length - 2) + 1).replace(/\r$/, '') : line;

/** A letter of several bytes is not cut. */
const letterBefore = (bytes: Uint8Array, end: number): number => {
  let at = end;
  while (at > end - 4 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at -= 1;
  return at;
};

const linesIn = (bytes: Uint8Array): number => {
  let count = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) count += 1;
  return count;
};

const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
};

const pieceOf = ({ first, count }: Pick<Piece, 'first' | 'count'>, bytes: Uint8Array): Piece => {
  const text = new TextDecoder().decode(bytes);
  let lines: string[] | undefined;
  return {
    first,
    text,
    count,
    get lines() {
      lines ??= text.split('\n', count).map(settle);
      return lines;
    },
  };
};

/**
 * The lines of a log of any size as it arrives. It knows where each line is, and keeps the bytes of those that were looked
 * at last.
 */
export class LogText {
  readonly #keptMax: number;
  readonly #blocks: Block[] = [];
  /** In the order of their use, as are the pieces. */
  readonly #kept = new Map<Block, Uint8Array>();
  readonly #pieces = new Map<Block, Piece>();
  #keptBytes = 0;
  /** What follows on the last block. */
  #open: Uint8Array = new Uint8Array(0);
  #openPiece: Piece | undefined;
  #offset = 0;
  #closedLines = 0;

  constructor(max = keptMax) {
    this.#keptMax = max;
  }

  /** So many lines have come to their end. */
  get settled(): number {
    return this.#closedLines + this.#openLines().count;
  }

  /** So many lines there are, with one that is not over yet. */
  get count(): number {
    const { text } = this.#openLines();
    return this.settled + (text === '' || text.endsWith('\n') ? 0 : 1);
  }

  /** Adds what came next. */
  append(bytes: Uint8Array): void {
    this.#open = joined(this.#open, bytes);
    this.#openPiece = undefined;
    for (let end = this.#endOfBlock(); end > 0; end = this.#endOfBlock()) this.#close(end);
  }

  /** Nothing comes any more: the last line is over. */
  end(): void {
    if (this.#open.length > 0) this.#close(this.#open.length);
  }

  /** A line by its number, from 0; undefined when it was let go. */
  line(number: number): string | undefined {
    if (number < this.#closedLines) {
      const piece = this.pieceWith(number);
      return piece?.lines[number - piece.first];
    }
    const { text, lines } = this.#openLines();
    return lines[number - this.#closedLines] ?? text.slice(text.lastIndexOf('\n') + 1);
  }

  /** The part that a line is in; undefined when it was let go. */
  pieceWith(number: number): Piece | undefined {
    const block = this.#blockWith(number);
    if (!block) return this.#openLines();
    const bytes = this.#kept.get(block);
    if (!bytes) return undefined;
    this.#kept.delete(block);
    this.#kept.set(block, bytes);
    const piece = this.#pieces.get(block) ?? pieceOf(block, bytes);
    this.#pieces.delete(block);
    this.#pieces.set(block, piece);
    for (const [oldest] of this.#pieces) {
      if (this.#pieces.size <= piecesMax) break;
      this.#pieces.delete(oldest);
    }
    return piece;
  }

  /** What has to be read again to have a line and those after it, up to `max` bytes; undefined when the line is there. */
  missingAt(number: number, max: number): Span | undefined {
    const wanted = this.#blockWith(number);
    if (!wanted || this.#kept.has(wanted)) return undefined;
    let length = 0;
    for (let at = this.#placeOf(number); at < this.#blocks.length; at++) {
      const block = this.#blocks[at];
      if (!block || this.#kept.has(block) || (length > 0 && length + block.length > max)) break;
      length += block.length;
    }
    return { offset: wanted.offset, length };
  }

  /** Takes what was read again. */
  fill(offset: number, bytes: Uint8Array): void {
    const first = this.#blocks.findIndex((block) => block.offset === offset);
    let from = 0;
    for (const block of first < 0 ? [] : this.#blocks.slice(first)) {
      if (from + block.length > bytes.length) break;
      if (!this.#kept.has(block)) this.#keep(block, bytes.slice(from, from + block.length));
      from += block.length;
    }
  }

  #openLines(): Piece {
    this.#openPiece ??= pieceOf({ first: this.#closedLines, count: linesIn(this.#open) }, this.#open);
    return this.#openPiece;
  }

  /** Where the next block ends in what is open; 0 when more has to come. */
  #endOfBlock(): number {
    if (this.#open.length < blockBytes) return 0;
    const before = this.#open.lastIndexOf(newline, blockBytes - 1);
    if (before >= 0) return before + 1;
    const after = this.#open.indexOf(newline, blockBytes);
    if (after >= 0 && after < lineMax) return after + 1;
    return this.#open.length > lineMax ? letterBefore(this.#open, lineMax) : 0;
  }

  #close(end: number): void {
    const bytes = this.#open.slice(0, end);
    const count = linesIn(bytes) + (bytes.at(-1) === newline ? 0 : 1);
    const block = { first: this.#closedLines, count, offset: this.#offset, length: end };
    this.#blocks.push(block);
    this.#closedLines += count;
    this.#offset += end;
    this.#open = this.#open.slice(end);
    this.#openPiece = undefined;
    this.#keep(block, bytes);
  }

  #keep(block: Block, bytes: Uint8Array): void {
    this.#kept.set(block, bytes);
    this.#keptBytes += bytes.length;
    for (const [oldest, { length }] of this.#kept) {
      if (this.#keptBytes <= this.#keptMax || oldest === block) break;
      this.#kept.delete(oldest);
      this.#pieces.delete(oldest);
      this.#keptBytes -= length;
    }
  }

  /** The place of the block that a line is in. */
  #placeOf(number: number): number {
    let [from, to] = [0, this.#blocks.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      const { first, count } = this.#blocks[middle] as Block;
      if (first + count <= number) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #blockWith(number: number): Block | undefined {
    return this.#blocks[this.#placeOf(number)];
  }
}

/** The lines that an address points at: `#L12` or `#L12-L20`, counted from 1. */
export const linkedLines = (hash: string): { from: number; to: number } | undefined => {
  const [, from, to] = /^#?L(\d+)(?:-L?(\d+))?$/.exec(hash) ?? [];
  return from ? { from: Number(from) - 1, to: Number(to ?? from) - 1 } : undefined;
};
