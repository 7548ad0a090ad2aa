/** Something wrong in a file; lines and columns count from one. */
export interface Mistake {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly label?: string;
  readonly message: string;
}

/** One line for people: where, which task, what. */
export const describeMistake = ({ file, line, column, label, message }: Mistake): string =>
  `${file}:${line}:${column}: ${label === undefined ? '' : `task "${label}": `}${message}`;

/** A file that cannot be used, with everything that is wrong with it, in the order of the file. */
export class MistakesError extends Error {
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    const listed = inFileOrder(mistakes);
    super(listed.map(describeMistake).join('\n'));
    this.name = 'MistakesError';
    this.mistakes = listed;
  }
}

/** Mistakes in the order of their file. One in what several tasks share shows in each of them; it is told once. */
export const inFileOrder = (mistakes: readonly Mistake[]): Mistake[] => {
  const distinct = new Map<string, Mistake>();
  for (const mistake of mistakes) {
    const key = `${mistake.line}:${mistake.column}:${mistake.message}`;
    if (!distinct.has(key)) distinct.set(key, mistake);
  }
  return [...distinct.values()].sort((a, b) => a.line - b.line || a.column - b.column);
};

/** `"ship", "test" or "build"`, for messages that say what would have been right. */
export const listOf = (words: readonly string[], conjunction: 'or' | 'and' = 'or'): string => {
  const quoted = words.map((word) => `"${word}"`);
  const last = quoted.pop() ?? '';
  return quoted.length === 0 ? last : `${quoted.join(', ')} ${conjunction} ${last}`;
};

/** ` (did you mean "test"?)` when one of the known words is close to the given one, else nothing. */
export const suggestion = (word: string, known: Iterable<string>): string => {
  let best: { word: string; distance: number } | undefined;
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) > 2) continue;
    const distance = editDistance(word, candidate);
    if (distance <= 2 && distance < word.length && (best === undefined || distance < best.distance)) {
      best = { word: candidate, distance };
    }
  }
  return best === undefined ? '' : ` (did you mean "${best.word}"?)`;
};

const editDistance = (from: string, to: string): number => {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
};
