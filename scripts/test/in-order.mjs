// `node in-order.mjs <concurrency> <timeout in ms> <file>…`: runs test files and starts them in this order. Node's own command
// sorts them by name, so that a long file of a late name would be left over at the end.
import { run } from 'node:test';
import reporter from './reporter.mjs';

const [concurrency, timeout, ...files] = process.argv.slice(2);
const tests = run({ files, concurrency: Number(concurrency), timeout: Number(timeout) });
tests.on('test:fail', ({ todo }) => {
  if (todo === undefined || todo === false) process.exitCode = 1;
});
tests.compose(reporter).pipe(process.stdout);
