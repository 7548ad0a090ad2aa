import { cutTo, plain } from './texts.ts';

/** The lines of a log that tell why a task failed. */
export interface Excerpt {
  readonly lines: readonly string[];
  /** The number of the first of them in the log, from 1. */
  readonly firstLine: number;
}

const [linesBefore, linesAfter, lastLines, lineBytesMax] = [2, 12, 15, 1000];

/** What tools put before each line: the time and, as run-task and mozharness do, where it comes from and its level. */
const stamp =
  /^(\[[\w-]+ \d{4}-\d\d-\d\dT[\d:.]+Z\] ?)?((\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d[\d.,]*(Z|[+-]\d\d:?\d\d)? +)?(-? *(INFO|DEBUG|WARNING|WARN) +- +)?/;

/** What tools begin the report of a failure with. */
const certain = [
  /^\s*(error|fatal|panic)\b[^a-z]/i,
  /^\s*-? *\[?(FAIL|FAILED|ERROR|FATAL|CRITICAL)\b/i,
  /^\s*([\w.]+\.)?[A-Z]\w*(Error|Exception)\b/i,
  /^Traceback \(most/,
  // Of pytest, ruby and elixir.
  /^E {3,}\S|\(([A-Z]\w*::)*[A-Z]\w*(Error|Exception)\)$|^\*\* \(\w/,
  /\bTEST-UNEXPECTED-|\bPROCESS-CRASH\b|<<< (FAILURE|ERROR)!|^--- FAIL:|^\s*not ok \d|^\s*[✖✗✘×]\s/,
  /\S:\d+(:\d+)?:? (fatal )?error\b|\(\d+,\d+\): error\b|^npm (ERR!|error)/i,
  // Of linters.
  /^\S+:\d+:\d+:? [A-Z]{1,4}\d{2,}\b|^would reformat \S|^In \S+ line \d+:$/,
  /\b(segmentation fault|core dumped|out of memory|no space left on device)\b/i,
  /: (command not found|No such file or directory|Permission denied|unbound variable|undefined reference)\b/i,
  /^thread '.*' panicked/,
];
/** What may be about a failure. */
const possible =
  /(?<![\w./-])(errors?|exceptions?|failed|failure|fatal|cannot|could not|unable to|killed|timed out)(?![\w-]|\.\w)/i;
const denied = /\b(0|no|without) (errors?|failures?|failed)\b|\b(errors?|failures?|failed):? 0\b/i;
/** Of the worker: it says that the task failed, which everybody knows. */
const ofWorker = /^\[taskcluster[ :]/;

const shortened = (line: string): string =>
  line.length > lineBytesMax ? cutTo(line, lineBytesMax, '…') : line;

interface Finding {
  readonly firstLine: number;
  readonly lines: string[];
  room: number;
}

/** Looks at the lines of a log one by one and keeps few of them: those around the first that tells of an error, or the last. */
export class LogReader {
  readonly #recent: string[] = [];
  #count = 0;
  #certain: Finding | undefined;
  #possible: Finding | undefined;

  add(written: string): void {
    // A line that was drawn over and over, like a bar of progress, is what it ended as.
    const line = shortened(plain(written.replace(/\r$/, '').split('\r').at(-1) ?? ''));
    if (ofWorker.test(line)) return void this.#count++;
    this.#count++;
    this.#follow(line);
    this.#recent.push(line);
    if (this.#recent.length > lastLines) this.#recent.shift();
    const said = line.replace(stamp, '');
    if (denied.test(said)) return;
    if (!this.#certain && certain.some((form) => form.test(said))) this.#certain = this.#begin();
    else if (!this.#possible && possible.test(said)) this.#possible = this.#begin();
  }

  result(): Excerpt {
    const found = this.#certain ?? this.#possible;
    const lines = found?.lines ?? this.#recent;
    return { firstLine: found?.firstLine ?? Math.max(1, this.#count - lines.length + 1), lines };
  }

  #begin(): Finding {
    const lines = this.#recent.slice(-linesBefore - 1);
    return { lines, firstLine: this.#count - lines.length + 1, room: linesAfter };
  }

  #follow(line: string): void {
    for (const finding of [this.#certain, this.#possible]) {
      if (!finding || finding.room === 0) continue;
      finding.lines.push(line);
      finding.room--;
    }
  }
}
