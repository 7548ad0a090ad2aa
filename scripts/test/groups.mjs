// Which test files share a process. The start of one, with all that it loads, costs more than most files themselves.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { emptyRecord } from './record.mjs';

const together = new URL('together.mjs', import.meta.url);

/** How many files share a process at most: few enough that there are groups for all processors until the end. */
const filesMax = 12;

/** A file that changes what belongs to its whole process, or that looks at it, has a process of its own. */
const isAboutItsProcess =
  /process\.(env(\.\w+|\[[^\]]+\]) *(=[^=]|\?\?=)|chdir|umask|exit|abort|pid|on\(|once\(|emit|memoryUsage|cpuUsage|resourceUsage)|delete process\.env|\bglobalThis\.|\bmock\.|\bgc\(/;

/**
 * Whether a file waits before it has declared its tests, by a compiled `await` outside of functions. Node 24 takes what it
 * declares afterwards for tests of the whole process.
 */
const waitsAtItsStart = (text) =>
  /^(await\b|(export )?(const|let) [^=]+= await\b)/m.test(text) ||
  [...text.matchAll(/^(?:for|if) \(.*\{\n([\s\S]*?)^\}/gm)].some(([, block]) =>
    /^ {4}\S.*\bawait\b/m.test(block),
  );

const standsAlone = (file) => {
  const text = readFileSync(file, 'utf8');
  return isAboutItsProcess.test(text) || waitsAtItsStart(text);
};

/** Those of whole platforms wait for processes that they start: they run beside each other. */
const isOfPlatforms = (file) => file.startsWith(`test${sep}`);

const placeOf = (file) => file.split(sep)[1];

/** Parts of a list, of about the same length, none longer than `most`. */
const partsOf = (items, most) => {
  const count = Math.ceil(items.length / most);
  return Array.from({ length: count }, (_, i) =>
    items.slice(Math.floor((i * items.length) / count), Math.floor(((i + 1) * items.length) / count)),
  );
};

/**
 * Finds test files of the same package that may share a process.
 *
 * @param files their paths below the current folder
 * @param isLong tells files that are known to take long: others would wait for them
 * @returns lists of at least two files
 */
export const groupsOf = (files, isLong) => {
  const shareable = files
    .filter((file) => !isOfPlatforms(file) && !isLong(file))
    .filter((file) => !standsAlone(file))
    // Files of the same folder load about the same.
    .sort();
  return [...new Set(shareable.map(placeOf))]
    .flatMap((place) =>
      partsOf(
        shareable.filter((file) => placeOf(file) === place),
        filesMax,
      ),
    )
    .filter((group) => group.length > 1);
};

/** Writes a file that runs these files, for the runner to start. Returns its path. */
export const writeGroup = (folder, name, files) => {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.test.mjs`);
  const paths = JSON.stringify(files.map((file) => resolve(file)));
  writeFileSync(
    path,
    `import { runTogether } from ${JSON.stringify(together.href)};\n\nrunTogether(${paths});\n`,
  );
  return path;
};

/**
 * Replaces the records of processes by those of the files that shared them.
 *
 * @param records as the reporter wrote them
 * @param groups `path`, as the runner was given it, and `files`
 * @returns the records. When a process failed by itself, so did all its files, since nobody knows which of them was
 *   the cause; and so did a file that has not run to its end.
 */
export const withoutGroups = (records, groups) => {
  const all = new Map(records.map((record) => [record.file, record]));
  for (const { path, files } of groups) {
    const name = relative('.', path);
    const process = all.get(name);
    all.delete(name);
    for (const file of files.map((each) => relative('.', each))) {
      const record = all.get(file) ?? emptyRecord(file);
      if (process?.failures.length > 0 || !record.hasRun) all.set(file, withFailure(record, process));
      // Node runs the tests of a file in the suite of another one when both wait for the same module at their start.
      else if (record.failures.length > 0) all.set(file, { ...record, hasFailed: true });
    }
  }
  return [...all.values()];
};

const withFailure = (record, process) => ({
  ...record,
  hasFailed: true,
  output: process?.output ?? '',
  counts: { ...record.counts, tests: record.counts.tests + 1, fail: record.counts.fail + 1 },
  failures: [
    ...record.failures,
    {
      name: 'the process that it shares with others',
      error: process?.failures[0]?.error ?? 'It ended before this file had run.',
    },
  ],
});
