/** The lines of a log as it arrives, without a copy of what is there already. */
export interface LogText {
  /** What is kept; the first of them is line `dropped`. */
  readonly lines: readonly string[];
  /** So many lines at the beginning were let go, for the log is larger than what is kept. */
  readonly dropped: number;
  /** So many lines have come to their end, those that were let go included. */
  readonly settled: number;
  /** Adds what came next; a line that is not over yet is the last one. */
  append(text: string): void;
  /** Nothing comes any more: the last line is over. */
  end(): void;
}

/** So much of a log is kept, in characters. Each line counts as so many more, which is what it takes to keep one. */
const keptMax = 64 * 2 ** 20;
const lineCost = 40;

/** A log as lines. A carriage return begins its line again, as progress bars want it. */
export const logText = (max = keptMax): LogText => {
  const lines: string[] = [];
  let open = false;
  let dropped = 0;
  let size = 0;
  const settle = (line: string): string =>
    line.slice(line.lastIndexOf('\r', line.length - 2) + 1).replace(/\r$/, '');
  const push = (line: string): void => {
    size += line.length + lineCost;
    lines.push(line);
  };
  const pop = (): string => {
    const line = lines.pop() ?? '';
    size -= line.length + lineCost;
    return line;
  };
  // A quarter at once: letting go of single lines would move all others each time.
  const dropFirst = (): void => {
    let count = 0;
    for (; size > max * 0.75 && count < lines.length - 1; count++)
      size -= (lines[count]?.length ?? 0) + lineCost;
    lines.splice(0, count);
    dropped += count;
  };
  return {
    lines,
    append: (text) => {
      const parts = text.split('\n');
      parts.forEach((part, i) => {
        const isOver = i < parts.length - 1;
        const whole = open && i === 0 ? pop() + part : part;
        if (isOver || whole !== '') push(isOver ? settle(whole) : whole);
        open = !isOver && whole !== '';
      });
      if (size > max) dropFirst();
    },
    end: () => {
      if (open) push(settle(pop()));
      open = false;
    },
    get dropped() {
      return dropped;
    },
    get settled() {
      return dropped + lines.length - (open ? 1 : 0);
    },
  };
};

const escapes = /\u001b\[[0-9;?]*[A-Za-z]/g;

/** A line without colours. */
export const plainLine = (line: string): string =>
  line.includes('\u001b') ? line.replace(escapes, '') : line;

const surely =
  /\[taskcluster:error\]|\b(fatal|panic|traceback|segmentation fault|assertion failed|command not found)\b|^\s*not ok \d|✗|✖/i;
const maybe = /\berror\b(?!s?:? ?0\b)|\bE {3}|\bexception\b|\bFAILED?\b/i;
const denied = /\b(0|no) (errors?|failures?|failed)\b|errors?[:=] ?0\b|--?[a-z-]*error/i;

const isErrorLine = (line: string, pattern: RegExp): boolean => pattern.test(line) && !denied.test(line);

/** Reads each line of a log once, when it is over, however often the log has grown meanwhile. */
abstract class Scan {
  #next = 0;

  protected abstract see(line: string, number: number): void;

  protected catchUp(text: LogText): void {
    for (let at = Math.max(this.#next, text.dropped); at < text.settled; at++)
      this.see(plainLine(text.lines[at - text.dropped] ?? ''), at);
    this.#next = text.settled;
  }
}

/**
 * The line where the trouble begins: one that says so without doubt, or the first that speaks of an error. What the worker
 * itself says at the end ("exit code 1") is only taken when nothing else is there.
 */
export class FirstError extends Scan {
  #sure = -1;
  #maybe = -1;
  #worker = -1;

  /** Its number, from 0; -1 while there is none, or when it has been let go. */
  in(text: LogText): number {
    this.catchUp(text);
    const found = [this.#maybe, this.#sure, this.#worker].find((number) => number >= 0) ?? -1;
    return found < text.dropped ? -1 : found;
  }

  protected see(line: string, number: number): void {
    if (this.#sure >= 0) return;
    if (line.startsWith('[taskcluster')) {
      if (this.#worker < 0 && /error/i.test(line)) this.#worker = number;
    } else if (isErrorLine(line, surely)) this.#sure = number;
    else if (this.#maybe < 0 && isErrorLine(line, maybe)) this.#maybe = number;
  }
}

/** The lines of a log that hold some words, upper or lower case. */
export class Matches extends Scan {
  readonly #wanted: string;
  #found: number[] = [];

  constructor(words: string) {
    super();
    this.#wanted = words.toLowerCase();
  }

  /** Their numbers, from 0, in order. */
  in(text: LogText): readonly number[] {
    if (this.#wanted === '') return this.#found;
    this.catchUp(text);
    const [first] = this.#found;
    if (first !== undefined && first < text.dropped)
      this.#found = this.#found.filter((number) => number >= text.dropped);
    return this.#found;
  }

  protected see(line: string, number: number): void {
    if (line.toLowerCase().includes(this.#wanted)) this.#found.push(number);
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

/** The lines that an address points at: `#L12` or `#L12-L20`, counted from 1. */
export const linkedLines = (hash: string): { from: number; to: number } | undefined => {
  const [, from, to] = /^#?L(\d+)(?:-L?(\d+))?$/.exec(hash) ?? [];
  return from ? { from: Number(from) - 1, to: Number(to ?? from) - 1 } : undefined;
};
