import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { makeFolder } from './make-folder.ts';

describe('makeFolder', () => {
  let home: string;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'taskyard-folder-'));
  });
  after(() => rm(home, { recursive: true, force: true }));

  it('makes those above it too, as often as it is asked', async () => {
    const path = join(home, 'a', 'b', 'c');
    await Promise.all([makeFolder(path), makeFolder(path)]);
    await makeFolder(path);
    const facts = await stat(path);
    assert.ok(facts.isDirectory());
    assert.equal(facts.mode & 0o777, 0o700);
  });

  it('ends with a sentence where no folder can be', async () => {
    await writeFile(join(home, 'file'), '');
    const below = join(home, 'file', 'a', 'b');
    await assert.rejects(makeFolder(below), (error: Error) =>
      error.message.startsWith(`The folder ${below} cannot be made: `),
    );
  });

  it('ends below /proc as well', {
    skip: process.platform === 'linux' ? false : 'there is no /proc',
  }, async () => {
    await assert.rejects(
      makeFolder('/proc/taskyard/data'),
      /^Error: The folder \/proc\/taskyard\/data cannot be made: ENOENT/,
    );
  });
});
