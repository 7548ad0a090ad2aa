// Which test files there are, and where their compiled form lies.
import { existsSync, readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { longest } from './longest.mjs';

// A compiled test outlives the source that it was compiled from: only those whose source is there count.
const testsIn = ({ sources, compiled }) =>
  existsSync(compiled)
    ? readdirSync(compiled, { recursive: true })
        .filter(
          (name) => name.endsWith('.test.js') && existsSync(join(sources, name.replace(/\.js$/, '.ts'))),
        )
        .map((name) => join(compiled, name))
        .sort()
    : [];

/**
 * Lists the compiled test files whose path contains one of the filters; all of them without a filter. A filter that
 * is itself the path of a test file stands for that file, wherever it lies.
 */
export const findTestFiles = (filters) => {
  const isFile = (filter) => /\.test\.m?js$/.test(filter) && existsSync(filter);
  const named = filters.filter(isFile);
  const parts = filters.filter((filter) => !isFile(filter));
  const places = [
    { sources: 'test', compiled: 'test/dist' },
    ...readdirSync('packages').map((name) => ({
      sources: join('packages', name, 'src'),
      compiled: join('packages', name, 'dist'),
    })),
  ];
  const found = places
    .flatMap(testsIn)
    .filter((file) => filters.length === 0 || parts.some((part) => file.includes(part)));
  return [...new Set([...named, ...found.sort(byRank)])];
};

const rankOf = (file) => {
  const rank = longest.indexOf(
    file
      .replaceAll(sep, '/')
      .replace('/dist/', '/')
      .replace(/\.test\.js$/, ''),
  );
  return rank < 0 ? longest.length : rank;
};

/** Tells files that are known to take long. */
export const isLong = (file) => rankOf(file) < longest.length;

// The longest start first, and the short ones fill the gaps: no processor waits at the end for a long one.
const byRank = (one, other) => rankOf(one) - rankOf(other);
