import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runProgram } from './support/command.ts';
import { root } from './support/platform.ts';

const script = join(root, 'bench/scale.mjs');
const page = readFileSync(join(root, 'docs/operating/scale.md'), 'utf8');
const [, made = ''] = /<!-- made by bench\/scale\.mjs -->\n(.*)\n<!-- end -->/s.exec(page) ?? [];

test('the page about scale says what the script computes', async () => {
  const { out, err, code } = await runProgram(process.execPath, [script]);
  assert.deepEqual([code, err], [0, '']);
  assert.equal(made, out.trimEnd());
  assert.match(made, /^10,000,000 tasks a day, 50,000 workers, 200 pools; /);
});

test('the measured figures of the script are those of the pages that say how they were measured', () => {
  const text = readFileSync(script, 'utf8');
  const pageOf = (name: string) => readFileSync(join(root, 'docs/operating', name), 'utf8');
  const figures = [
    ['lifeServer: 1.29,', 'performance.md', 'whole life cycle, 16 at once | 1.55 + 0.70 | 1.29 + 0.62'],
    ['lifeDatabase: 0.62,', 'performance.md', '1.29 + 0.62'],
    ['waitingCores: 0.059 / 2000,', 'performance.md', 'idle, 2,000 waiting on 200 queues'],
    ['waitingCores: 0.059 / 2000,', 'performance.md', '| 0.059 |'],
    ['bytesOfTask: 8.6e9 / 5e6,', 'performance.md', '5 million resolved tasks, 8.6 GB'],
    ['relayedPerSecond: 7800,', 'messages.md', 'it drains by 7,800 messages a second'],
  ] as const;
  for (const [figure, name, source] of figures) {
    assert.ok(text.includes(figure), figure);
    assert.ok(pageOf(name).includes(source), source);
  }
});

test('another load gives other figures', async () => {
  const { out } = await runProgram(process.execPath, [script, '--tasks', '1000000', '--workers', '5000']);
  assert.match(out, /^1,000,000 tasks a day, 5,000 workers, 200 pools; 12 tasks a second on average/);
});
