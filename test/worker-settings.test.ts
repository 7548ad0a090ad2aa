import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WorkerConfig } from '@taskyard/worker';
import { runProgram } from './support/command.ts';
import { root, taskyard } from './support/platform.ts';

interface Described {
  readonly env: string;
  readonly description: string;
}

test('every setting of a worker is in the table, with its variable, option and meaning', async () => {
  const page = readFileSync(join(root, 'docs/reference/worker-settings.md'), 'utf8');
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const settings = Object.entries(WorkerConfig.properties) as unknown as [string, Described][];
  assert.deepEqual(
    rows.map(([, name, env, , , meaning]) => [name, env, meaning]),
    settings.map(([name, { env, description }]) => [`\`${name}\``, `\`${env}\``, description]),
  );
  const { out } = await runProgram(process.execPath, [taskyard, 'worker', '--help']);
  for (const [, name, , option = ''] of rows) {
    if (option !== '') assert.ok(out.includes(`${option.replaceAll('`', '')} <`), `${name}: ${option}`);
  }
});
