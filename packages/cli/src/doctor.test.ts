import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { main } from './main.ts';
import { memoryIo } from './testing/memory-io.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taskyard-doctor-'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** Runs `doctor` on a configuration. */
const doctor = async (settings: string, ...words: string[]) => {
  const file = join(folder, 'taskyard.yml');
  await writeFile(file, settings);
  const run = memoryIo({ folder: join(folder, 'data') });
  await main(['node', 'taskyard', 'doctor', '--config', file, ...words], run.io);
  return run;
};

describe('doctor', () => {
  it('says for people what is well, and what to do about the rest', async () => {
    const { out, exitCode } = await doctor('port: 0\namqpUrl: amqp://127.0.0.1:1\n');
    assert.match(out(), /^ok {7}machine {6}Node\.js v/m);
    assert.match(out(), /^ERROR {4}broker {7}The broker cannot be reached: .*\n {22}Start it, /m);
    assert.equal(exitCode(), 1);
  });

  it('gives the same to programs, and ends well when nothing is wrong', async () => {
    const { out, exitCode } = await doctor('port: 0\n', '--json');
    const { isWell, findings } = JSON.parse(out());
    assert.equal(isWell, true);
    assert.ok(
      findings.some(
        ({ check, level }: { check: string; level: string }) => check === 'store' && level === 'ok',
      ),
    );
    assert.equal(exitCode(), undefined);
  });

  it('lists the mistakes of a configuration', async () => {
    const { out, exitCode } = await doctor('port: many\nnothing: 1\n', '--json');
    const { findings } = JSON.parse(out());
    assert.deepEqual(
      findings.map(({ check, level }: { check: string; level: string }) => [check, level]),
      [
        ['configuration', 'error'],
        ['configuration', 'error'],
      ],
    );
    assert.equal(exitCode(), 1);
  });
});
