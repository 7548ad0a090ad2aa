/** The lines of a log as it arrives, without a copy of what is there already. */
export interface LogText {
  readonly lines: readonly string[];
  /** Adds what came next; a line that is not over yet is the last one. */
  append(text: string): void;
  readonly length: number;
}

/** A log as lines. A carriage return begins its line anew, as progress bars want it. */
export const logText = (): LogText => {
  const lines: string[] = [];
  let open = false;
  const settle = (line: string): string =>
    line.slice(line.lastIndexOf('\r', line.length - 2) + 1).replace(/\r$/, '');
  return {
    lines,
    append: (text) => {
      const parts = text.split('\n');
      parts.forEach((part, i) => {
        const isOver = i < parts.length - 1;
        const whole = open && i === 0 ? (lines.pop() ?? '') + part : part;
        if (isOver || whole !== '') lines.push(isOver ? settle(whole) : whole);
        open = !isOver && whole !== '';
      });
    },
    get length() {
      return lines.length;
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

/**
 * The line where the trouble begins: one that says so without doubt, or the first that speaks of an error. What the worker
 * itself says at the end ("exit code 1") is only taken when nothing else is there.
 */
export const firstErrorIn = (lines: readonly string[]): number => {
  let weak = -1;
  let worker = -1;
  for (let i = 0; i < lines.length; i++) {
    const line = plainLine(lines[i] ?? '');
    if (line.startsWith('[taskcluster')) {
      if (worker < 0 && /error/i.test(line)) worker = i;
      continue;
    }
    if (isErrorLine(line, surely)) return weak >= 0 ? weak : i;
    if (weak < 0 && isErrorLine(line, maybe)) weak = i;
  }
  return weak >= 0 ? weak : worker;
};

/** The numbers of the lines that hold some words, upper or lower case. */
export const linesWith = (lines: readonly string[], words: string): number[] => {
  const wanted = words.toLowerCase();
  const found: number[] = [];
  if (wanted === '') return found;
  for (let i = 0; i < lines.length; i++)
    if (
      plainLine(lines[i] ?? '')
        .toLowerCase()
        .includes(wanted)
    )
      found.push(i);
  return found;
};

/** The lines that an address points at: `#L12` or `#L12-L20`, counted from 1. */
export const linkedLines = (hash: string): { from: number; to: number } | undefined => {
  const [, from, to] = /^#?L(\d+)(?:-L?(\d+))?$/.exec(hash) ?? [];
  return from ? { from: Number(from) - 1, to: Number(to ?? from) - 1 } : undefined;
};
