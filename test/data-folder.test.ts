import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { within } from '@taskyard/patience';
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
