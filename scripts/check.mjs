// `npm run check`: format and lint, types, the tidy test, words of pages, packages and their scripts, and drift of generated files. A warning is an error.
// With `--measures` it prints how well the code keeps its shape, in numbers, and fails when one is over its limit.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const node = process.execPath;

const colours = process.stdout.isTTY ? [] : ['--colors=off'];

const checks = [
  [
    'format and lint',
    node,
    'node_modules/@biomejs/biome/bin/biome',
    'ci',
    '--error-on-warnings',
    ...colours,
    '.',
  ],
  ['types', node, 'scripts/build.mjs'],
  ['tidy', node, '--test', '--test-reporter=dot', 'test/dist/tidy.test.js'],
  ['words', node, '--test', '--test-reporter=dot', 'test/dist/words.test.js'],
  ['packages', node, 'scripts/check-packages.mjs'],
  ['generated files', node, 'scripts/generate.mjs', '--check'],
];

if (process.argv.includes('--measures')) checks.push(['measures', node, 'test/dist/measures/main.js']);

let isClean = true;
for (const [name, ...command] of checks) {
  const [program, ...args] = command;
  const script = args.find((argument) => /\.m?js$/.test(argument));
  if (script && !existsSync(script)) {
    console.log(`${name}: ${script} is not there, left out`);
    continue;
  }
  const { status } = spawnSync(program, args, { stdio: 'inherit' });
  console.log(`${name}: ${status === 0 ? 'clean' : 'not clean'}`);
  isClean &&= status === 0;
}
process.exitCode = isClean ? 0 : 1;
