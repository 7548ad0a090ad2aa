import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { makeDataFolder } from './data-folder.ts';

it('a data folder in a checkout is not seen by git, unless its own .gitignore says otherwise', async (t) => {
  const checkout = await mkdtemp(join(tmpdir(), 'taskyard-folder-'));
  t.after(() => rm(checkout, { recursive: true }));
  const git = (...words: string[]): string => execFileSync('git', ['-C', checkout, ...words]).toString();
  git('init', '-q');
  const data = join(checkout, '.taskyard/repository');
  await makeDataFolder(data);
  await writeFile(join(data, 'credentials.env'), 'secret');
  assert.equal(git('status', '--porcelain'), '');
  await writeFile(join(data, '.gitignore'), 'credentials.env\n');
  await makeDataFolder(data);
  assert.equal(await readFile(join(data, '.gitignore'), 'utf8'), 'credentials.env\n');
});
