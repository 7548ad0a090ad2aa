import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { eventually, within } from '@taskyard/patience';
import { runProgram } from './support/command.ts';
import { aHome, plainEnvironment, taskyard } from './support/platform.ts';

/** Root without its power over the modes of files; other users have none. */
const likeOthers =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'] : [];

interface Serving {
  readonly data: string;
  /** A command before ours. */
  readonly within?: readonly string[];
  /** Called with each text that it prints. */
  readonly onOutput?: (text: string) => void;
}

/** Serves a data folder until the platform ends, and returns what it said and how it ended. */
const serve = async ({ data, within: around = [], onOutput }: Serving) => {
  const serving = [process.execPath, taskyard, 'serve', '--port', '0', '--no-worker', '--data', data];
  const [program = '', ...words] = [...around, ...serving];
  const env = { ...plainEnvironment(), LOG_LEVEL: 'silent' };
  const child = spawn(program, words, { env, cwd: '/' });
  child.stdout.on('data', (chunk: Buffer) => onOutput?.(chunk.toString()));
  const ended = Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number | null]>]);
  const [err, [code]] = await within('the platform to end', ended);
  return { err, code };
};

test('a platform whose data folder is deleted says so in a sentence, and ends', async (t) => {
  const data = join((await aHome(t)).path, 'data');
  const { err, code } = await serve({
    data,
    onOutput: (output) => {
      if (/is ready/.test(output)) void rm(data, { recursive: true, force: true, maxRetries: 10 });
    },
  });
  assert.match(err, /^taskyard: The data folder \S+ has been deleted, and the database with it\.\n$/);
  assert.equal(code, 1);
});

test('a folder that is none, or that may not be written to, is refused in a sentence', async (t) => {
  const { path } = await aHome(t);
  const file = join(path, 'file');
  await writeFile(file, '');
  const none = await serve({ data: join(file, 'data') });
  assert.match(none.err, /^taskyard: [^\n]*folder \S+file\/data cannot be \S+[^\n]*: ENOTDIR[^\n]*\n$/);
  assert.ok(none.code === 1 || none.code === 2, `${none.code}`);

  const readOnly = join(path, 'read-only');
  await mkdir(readOnly);
  await chmod(readOnly, 0o555);
  const refused = await serve({ data: readOnly, within: likeOthers });
  assert.match(refused.err, /^taskyard: .*the data folder \S+ cannot be written to: EACCES[^\n]*\n$/);
  assert.equal(refused.code, 1);
});

const isDone = (program: string, ...words: string[]): boolean => {
  try {
    execFileSync(program, words, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** A disk of its own, in memory; it goes with the test. Undefined where none may be mounted. */
const aDisk = async (t: TestContext, megabytes: number): Promise<string | undefined> => {
  const place = await mkdtemp(join(tmpdir(), 'taskyard-disk-'));
  const isMounted = isDone('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'tmpfs', place);
  t.after(async () => {
    if (isMounted) await eventually('the disk to be free', () => isDone('umount', place));
    await rm(place, { recursive: true, force: true });
  });
  return isMounted ? place : undefined;
};

/** Writes until nothing fits on the disk any more. */
const fill = async (path: string): Promise<void> => {
  const file = await open(path, 'w');
  const chunk = Buffer.alloc(1024 * 1024);
  try {
    for (;;) await file.write(chunk);
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
  } finally {
    await file.close();
  }
};

test('a platform whose disk is full says so in a sentence and ends, and goes on once there is room', async (t) => {
  const disk = await aDisk(t, 300);
  if (disk === undefined) return t.skip('no file system may be mounted here');
  const data = join(disk, 'data');
  const full =
    /^taskyard: (?:The platform cannot be started: )?The disk that holds \S+\/data is full \(\d+ MB are free\)\. Make room, and start again\.\n$/;
  const ballast = join(disk, 'ballast');
  const running = await serve({
    data,
    onOutput: (output) => {
      if (/is ready/.test(output)) void fill(ballast);
    },
  });
  assert.match(running.err, full);
  assert.equal(running.code, 1);
  const refused = await serve({ data });
  assert.match(refused.err, full);
  assert.equal(refused.code, 1);
  await rm(ballast);
  const { path } = await aHome(t);
  const { out, err, code } = await runProgram(process.execPath, [
    taskyard,
    'backup',
    join(path, 'backup.tar.gz'),
    '--data',
    data,
  ]);
  assert.equal(code, 0, err);
  assert.match(out, /backup\.tar\.gz: /);
});
