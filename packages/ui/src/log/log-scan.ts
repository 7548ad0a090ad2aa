import type { LogText } from './log-text.ts';

const escapes = /\u001b\[[0-9;?]*[A-Za-z]/g;

/** A line without colours. */
export const plainLine = (line: string): string =>
  line.includes('\u001b') ? line.replace(escapes, '') : line;

const errorWords =
  /\[taskcluster:error\]|\b(fatal|panic|traceback|segmentation fault|assertion failed|command not found)\b|^\s*not ok \d|✗|✖|\berror\b(?!s?:? ?0\b)|\bE {3}|\bexception\b|\bFAILED?\b/i;
const denied = /\b(0|no) (errors?|failures?|failed)\b|errors?[:=] ?0\b|--?[a-z-]*error/i;
/** What every line of an error has in it, to pass over the others quickly. */
const anyWord =
  /error|fatal|panic|traceback|segmentation fault|assertion failed|command not found|not ok \d|✗|✖|E {3}|exception|fail/i;

const isErrorLine = (line: string): boolean => errorWords.test(line) && !denied.test(line);

/** So many parts of a log are gone through at once, while the page waits. */
const piecesAtOnce = 64;

/** Reads each line of a log once, when it is over, however often the log has grown meanwhile. */
abstract class Scan {
  #next = 0;

  /** The first line that was not read yet. */
  get next(): number {
    return this.#next;
  }

  /** Whether something in a part of the log, without colours, is worth a look at its lines. */
  protected abstract concerns(text: string): boolean;

  protected abstract see(line: string, number: number): void;

  /** Goes on until all lines are read that are over, a part was let go, or for a while. */
  protected catchUp(text: LogText): void {
    for (let seen = 0; seen < piecesAtOnce && this.#next < text.settled; seen++) {
      const piece = text.pieceWith(this.#next);
      if (!piece) return;
      const { first, count } = piece;
      if (this.concerns(plainLine(piece.text)))
        for (let at = this.#next - first; at < count; at++)
          this.see(plainLine(piece.lines[at] ?? ''), first + at);
      this.#next = first + count;
    }
  }
}

/**
 * The line where the trouble begins: the first that speaks of an error. What the worker itself says at the end
 * ("exit code 1") is only taken when nothing else is there.
 */
export class FirstError extends Scan {
  #task = -1;
  #worker = -1;

  /** Its number, from 0; -1 while there is none. */
  in(text: LogText): number {
    if (this.#task < 0) this.catchUp(text);
    return this.#task < 0 ? this.#worker : this.#task;
  }

  protected concerns(text: string): boolean {
    return this.#task < 0 && anyWord.test(text);
  }

  protected see(line: string, number: number): void {
    if (this.#task >= 0) return;
    if (line.startsWith('[taskcluster')) {
      if (this.#worker < 0 && /error/i.test(line)) this.#worker = number;
    } else if (isErrorLine(line)) this.#task = number;
  }
}

/** No more lines are found than this. */
export const foundMax = 100_000;

/** The lines of a log that hold some words, upper or lower case. */
export class Matches extends Scan {
  readonly #wanted: string;
  readonly #found: number[] = [];

  constructor(words: string) {
    super();
    this.#wanted = words.toLowerCase();
  }

  /** Their numbers, from 0, in order, as far as the log was read. */
  in(text: LogText): readonly number[] {
    if (this.#wanted !== '' && this.#found.length < foundMax) this.catchUp(text);
    return this.#found;
  }

  /** The line where the search goes on; undefined when it is over for now. */
  goesOnAt(text: LogText): number | undefined {
    const isOver = this.#wanted === '' || this.#found.length >= foundMax || this.next >= text.settled;
    return isOver ? undefined : this.next;
  }

  protected concerns(text: string): boolean {
    return text.toLowerCase().includes(this.#wanted);
  }

  protected see(line: string, number: number): void {
    if (this.#found.length < foundMax && line.toLowerCase().includes(this.#wanted)) this.#found.push(number);
  }
}

/** Whether a number is one of these, which are in order. */
export const isAmong = (numbers: readonly number[], wanted: number): boolean => {
  let [from, to] = [0, numbers.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((numbers[middle] ?? 0) < wanted) from = middle + 1;
    else to = middle;
  }
  return numbers[from] === wanted;
};
