// A reporter for Node's test runner. It prints what the spec reporter prints, except for the summary, and writes what
// scripts/test.mjs needs for a summary over several runs to the file that TASKYARD_TEST_RECORD names.
import { writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { emptyRecord } from './record.mjs';

/** Its suites stand for the files that share a process. */
const togetherPath = fileURLToPath(new URL('together.mjs', import.meta.url));

/** What a file printed is kept up to this length, its end rather than its beginning. */
const outputCharactersMax = 20_000;

const summaryLine = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;

const kindOf = ({ type, data }) => {
  if (data.skip !== undefined) return 'skipped';
  if (data.todo !== undefined) return 'todo';
  if (type === 'test:pass') return 'pass';
  return data.details.error?.failureType === 'cancelledByParent' ? 'cancelled' : 'fail';
};

const textOf = (error) => inspect(error?.cause ?? error, { colors: false, depth: 6, breakLength: 110 });

/** Collects the events of one run by test file. */
class Records {
  #root = process.cwd();
  #byFile = new Map();
  #startedAt = new Map();
  /** The names of the suites around the current test, by file. */
  #suites = new Map();

  add(event) {
    const { type, data } = event;
    if (!data?.file) return;
    if (data.file === togetherPath) {
      this.#addSharing(event);
      return;
    }
    const file = relative(this.#root, data.file);
    const record = this.#recordOf(file);
    if (type === 'test:stdout' || type === 'test:stderr')
      record.output = (record.output + data.message).slice(-outputCharactersMax);
    const isWholeFile = data.nesting === 0 && resolve(this.#root, data.name ?? '') === data.file;
    if (isWholeFile) this.#addFile(event, record);
    else this.#addTest(event, record);
  }

  #recordOf(file) {
    const record = this.#byFile.get(file) ?? emptyRecord(file);
    this.#byFile.set(file, record);
    return record;
  }

  /** The suite of a file that shares its process with others; its name is the file's. */
  #addSharing({ type, data }) {
    if (type !== 'test:pass' && type !== 'test:fail') return;
    const record = this.#recordOf(data.name);
    record.hasRun = true;
    if (type === 'test:fail') this.#addFailedFile(data, record);
  }

  /** A file whose tests failed, or that fails by itself: it could not be loaded, or ended with a code, by a signal, late. */
  #addFailedFile({ details }, record) {
    record.hasFailed = true;
    if (details.error?.failureType === 'subtestsFailed') return;
    record.counts.tests += 1;
    record.counts.fail += 1;
    record.failures.push({ name: 'the file itself', error: textOf(details.error) });
  }

  #addFile({ type, data }, record) {
    if (type === 'test:dequeue') this.#startedAt.set(record.file, Date.now());
    if (type === 'test:complete')
      record.seconds = (Date.now() - (this.#startedAt.get(record.file) ?? Date.now())) / 1000;
    // Tests are counted under the file that they are written in, which need not be the one that runs them.
    if (data.details?.error) record.hasFailed = true;
    if (type === 'test:fail') this.#addFailedFile(data, record);
  }

  #addTest(event, record) {
    const { type, data } = event;
    if (type === 'test:start') {
      // The first level is empty where files share a process.
      const around = (this.#suites.get(record.file) ?? []).slice(0, data.nesting);
      around[data.nesting] = data.name;
      this.#suites.set(record.file, around);
    }
    if (type !== 'test:pass' && type !== 'test:fail') return;
    const around = (this.#suites.get(record.file) ?? []).slice(0, data.nesting);
    const name = [...Object.values(around), data.name].join(' > ');
    if (data.details.type === 'suite') record.counts.suites += 1;
    else {
      record.counts.tests += 1;
      record.counts[kindOf(event)] += 1;
    }
    if (typeof data.skip === 'string' && data.skip !== '') record.skipped.push({ name, why: data.skip });
    if (type === 'test:fail' && data.details.error?.failureType !== 'subtestsFailed')
      record.failures.push({ name, line: data.line, error: textOf(data.details.error) });
  }

  write(path) {
    writeFileSync(path, JSON.stringify([...this.#byFile.values()]));
  }
}

export default async function* report(events) {
  const records = new Records();
  const shown = new spec();
  for await (const event of events) {
    records.add(event);
    const isSummary = event.type === 'test:diagnostic' && summaryLine.test(event.data.message);
    if (isSummary || event.type === 'test:summary') continue;
    shown.write(event);
    for (let text = shown.read(); text !== null; text = shown.read()) yield text;
  }
  records.write(process.env.TASKYARD_TEST_RECORD);
}
