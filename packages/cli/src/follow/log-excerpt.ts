import { harmless } from '../io.ts';

/** The lines of a log that show why a task failed. */
export interface Excerpt {
  readonly lines: readonly string[];
  /** The number of the first of them in the log, from 1. */
  readonly firstLine: number;
  /** Whether they were chosen because they look like an error; otherwise they are the last lines of the task. */
  readonly isError: boolean;
}

const linesBefore = 2;
const linesAfter = 10;
const tailLines = 15;
const columnsMax = 400;

// A line that begins like this, or contains such a mark, is an error report of a tool.
const strong = [
  /^\s*(error|fatal|panic|uncaught|unhandled)\b[^a-z]/i,
  /^\s*(\w+\.)*[A-Z]\w*(Error|Exception)\b( \[\w+\])?[:(]?/,
  /^Traceback \(most recent call last\)/,
  /^\s*not ok \d/,
  /^\s*(✖|✗|✘|×)\s/,
  /^\s*(FAIL|FAILED|ERROR|E)\b[\s:]/,
  /\S:\d+(:\d+)?:? (fatal )?error\b/i,
  /\S\(\d+,\d+\): error\b/i,
  /\berror\[?\s?(TS|E|C|LNK)\d+\b/,
  /^npm (ERR!|error)/,
  /\b(segmentation fault|core dumped|out of memory|heap out of memory|stack overflow)\b/i,
  /: (command not found|No such file or directory|Permission denied)\b/,
  /\b(ENOENT|EACCES|ECONNREFUSED|ETIMEDOUT|ENOSPC|EADDRINUSE)\b/,
  /^thread '.*' panicked/,
];
// As separate words, since names of files and functions often contain them.
const weakWords =
  'errors?|exceptions?|failed|failure|fatal|cannot|could not|unable to|assert(ion)?|denied|aborted|killed';
const weak = new RegExp(`(?<![\\w./-])(${weakWords})(?![\\w-]|\\.\\w)`, 'i');
// Tools often report that there were none.
const harmlessMention =
  /\b(0|no|without) (errors?|failures?|exceptions?|failed)\b|\b(errors?|failures?|fail|failed):? 0\b/i;
// The worker's own lines say only that the task failed, which the reader knows.
const ofWorker = /^\[taskcluster[ :]/;
const aftermath = /^\[taskcluster:error\]/;
// The exception: how a command ended that printed nothing of it.
const exitCode = /^\[taskcluster[ :][^\]]*\] Exit code \d+/;

/** How much a line looks like the cause of a failure: 3 certainly, 0 not at all. */
export const weightOf = (line: string): 0 | 1 | 2 | 3 => {
  if (aftermath.test(line)) return 1;
  if (ofWorker.test(line) || harmlessMention.test(line)) return 0;
  if (strong.some((pattern) => pattern.test(line))) return 3;
  return weak.test(line) ? 2 : 0;
};

interface Candidate {
  readonly weight: number;
  readonly firstLine: number;
  readonly lines: string[];
  room: number;
}

/** Reads the lines of a log one by one, in bounded memory, and keeps the relevant ones. */
export const createExcerpt = () => {
  const recent: string[] = [];
  /** The last lines of the task, and its exit code. */
  const tail: { readonly number: number; readonly line: string }[] = [];
  const candidates: Candidate[] = [];
  let count = 0;
  const open = (weight: number): void => {
    const lines = [...recent];
    candidates.push({ weight, lines, firstLine: count - lines.length + 1, room: linesAfter });
  };
  return {
    add: (written: string): void => {
      // Of a line that was redrawn, like a progress bar, the last version counts.
      const line = harmless(written.replace(/\r$/, '').split('\r').at(-1) ?? '').slice(0, columnsMax);
      count += 1;
      recent.push(line);
      if (recent.length > linesBefore + 1) recent.shift();
      if (!ofWorkerTalk(line) || exitCode.test(line)) tail.push({ number: count, line });
      if (tail.length > tailLines) tail.shift();
      for (const candidate of candidates) {
        if (candidate.room === 0) continue;
        candidate.lines.push(line);
        candidate.room -= 1;
      }
      const weight = weightOf(line);
      // Only the first of each weight can be chosen.
      if (weight > 0 && candidates.every((candidate) => candidate.weight < weight)) open(weight);
    },
    result: (): Excerpt => {
      const best = candidates.reduce<Candidate | undefined>(
        (found, next) => (found && found.weight >= next.weight ? found : next),
        undefined,
      );
      if (best) {
        const { firstLine, lines } = best;
        return {
          firstLine,
          isError: true,
          lines: withoutEmptyEnd(lines.filter((line) => !ofWorkerTalk(line))),
        };
      }
      const lines = withoutEmptyEnd(tail.map(({ line }) => line));
      return { firstLine: tail[0]?.number ?? 1, isError: false, lines };
    },
  };
};

const ofWorkerTalk = (line: string): boolean => ofWorker.test(line) && !aftermath.test(line);

const withoutEmptyEnd = (lines: readonly string[]): string[] => {
  const kept = [...lines];
  while (kept.length > 0 && kept.at(-1)?.trim() === '') kept.pop();
  return kept;
};

/** The relevant lines of a log that arrives in pieces. */
export const excerptOf = async (
  pieces: AsyncIterable<Uint8Array | string> | Iterable<string>,
): Promise<Excerpt> => {
  const excerpt = createExcerpt();
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of pieces) {
    const text = rest + (typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true }));
    const lines = text.split('\n');
    rest = lines.pop() ?? '';
    // An endless line must not fill the memory.
    if (rest.length > 100_000) rest = rest.slice(0, columnsMax);
    for (const line of lines) excerpt.add(line);
  }
  if (rest !== '') excerpt.add(rest);
  return excerpt.result();
};
