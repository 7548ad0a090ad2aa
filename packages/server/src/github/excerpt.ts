import { cutTo, plain } from './texts.ts';

/** The lines of a log that tell why a task failed. */
export interface Excerpt {
  readonly lines: readonly string[];
  /** The number of the first of them in the log, from 1. */
  readonly firstLine: number;
}

const [linesBefore, linesAfter, lastLines, lineBytesMax] = [2, 12, 15, 1000];

/** What tools begin the report of a failure with. */
const certain =
  /^\s*(error|fatal|panic)\b[^a-z]|^\s*([\w.]+\.)?[A-Z]\w*(Error|Exception)\b|^Traceback \(most|^\s*not ok \d|^\s*[✖✗✘×]\s|^\s*(FAIL|FAILED|ERROR)\b|\S:\d+(:\d+)?:? (fatal )?error\b|\(\d+,\d+\): error\b|^npm (ERR!|error)|\b(segmentation fault|core dumped|out of memory)\b|: (command not found|No such file or directory|Permission denied)\b|^thread '.*' panicked/i;
/** What may be about a failure. */
const possible =
  /(?<![\w./-])(errors?|exceptions?|failed|failure|fatal|cannot|could not|unable to|killed)(?![\w-]|\.\w)/i;
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
    if (denied.test(line)) return;
    if (!this.#certain && certain.test(line)) this.#certain = this.#begin();
    else if (!this.#possible && possible.test(line)) this.#possible = this.#begin();
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
