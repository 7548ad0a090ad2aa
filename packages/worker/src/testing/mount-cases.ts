import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FakeQueue } from './fake-queue.ts';
import { completed, failed, malformed, type PayloadCase, script } from './payload-case.ts';
import { sha256 } from './saved-image.ts';

/** Adds a task that has completed with these artifacts; returns its id. */
export const addCompleted = (queue: FakeQueue, contents: Readonly<Record<string, Buffer>>): string => {
  const taskId = queue.addTask({});
  const run = queue.run(taskId);
  run.state = 'completed';
  for (const [name, bytes] of Object.entries(contents)) {
    const told = {
      storageType: 's3',
      contentType: 'application/octet-stream',
      expires: '2999-01-01T00:00:00Z',
    };
    run.artifacts.set(name, { ...told, bytes, headers: {} });
  }
  return taskId;
};

/** One file, `in/file`, packed in each way. */
const archives = (): Record<string, Buffer> => {
  const directory = mkdtempSync(join(tmpdir(), 'taskyard-archives-'));
  try {
    execFileSync('mkdir', [join(directory, 'in')]);
    writeFileSync(join(directory, 'in', 'file'), 'packed\n');
    const pack = (name: string, program: string, args: readonly string[]): [string, Buffer] => {
      execFileSync(program, [...args, name, 'in'], { cwd: directory, stdio: 'ignore' });
      return [`public/${name}`, readFileSync(join(directory, name))];
    };
    return Object.fromEntries([
      pack('a.tar', 'tar', ['-cf']),
      pack('a.tar.gz', 'tar', ['-czf']),
      pack('a.tar.bz2', 'tar', ['-cjf']),
      pack('a.tar.xz', 'tar', ['-cJf']),
      pack('a.tar.zst', 'tar', ['--zstd', '-cf']),
    ]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const compressed = (program: string): Buffer => execFileSync(program, ['-c'], { input: 'squeezed\n' });

const note = Buffer.from('a note\n');

/** What the cases mount: artifacts of a task that has completed. */
interface Given {
  readonly queue: FakeQueue;
  readonly taskId: string;
  /** The artifacts that are archives. */
  readonly packed: readonly string[];
}

const mounted = (queue: FakeQueue): Given => {
  const packed = archives();
  const taskId = addCompleted(queue, {
    ...packed,
    'public/note': note,
    'public/note.gz': compressed('gzip'),
    'public/note.xz': compressed('xz'),
    'public/note.zst': compressed('zstd'),
    'public/note.bz2': compressed('bzip2'),
  });
  queue.indexed.set('some.path', taskId);
  return { queue, taskId, packed: Object.keys(packed) };
};

/** A case that prints a mounted file. */
const shownIn =
  ({ taskId }: Given) =>
  (name: string, mount: object, more: Partial<PayloadCase> = {}): PayloadCase => ({
    name,
    payload: script('cat f', { mounts: [{ file: 'f', ...mount }] }),
    task: { dependencies: [taskId] },
    expected: { ...completed, log: /^a note$/m },
    ...more,
  });

/** A case that writes into a cache. */
const cachedIn =
  ({ taskId }: Given) =>
  (name: string, mount: object, more: Partial<PayloadCase>): PayloadCase => ({
    name,
    payload: script('cat c/in/file; touch c/mine && echo writable', {
      mounts: [{ cacheName: 'c-1', directory: 'c', ...mount }],
    }),
    task: { dependencies: [taskId], scopes: ['generic-worker:cache:c-1'] },
    expected: completed,
    ...more,
  });

const fileCases = (given: Given): PayloadCase[] => {
  const { queue, taskId } = given;
  const shown = shownIn(given);
  const artifact = (name: string, more: object = {}) => ({ taskId, artifact: name, ...more });
  const squeezed = { ...completed, log: /^squeezed$/m };
  return [
    shown('a file holds what the payload says', { content: { raw: 'a note\n' } }),
    shown('a file holds bytes of the payload', { content: { base64: note.toString('base64') } }),
    shown('a file is an artifact of another task', { content: artifact('public/note') }),
    shown('a file is of a task that stands at a path', {
      content: { namespace: 'some.path', artifact: 'public/note' },
    }),
    shown('a file comes from a page', {
      content: { url: `${queue.rootUrl}/upload/${taskId}/0/public%2Fnote` },
    }),
    shown('a file with the right hash is taken', {
      content: artifact('public/note', { sha256: sha256(note) }),
    }),
    shown(
      'a file with another hash fails the task',
      { content: artifact('public/note', { sha256: '0'.repeat(64) }) },
      { expected: { ...failed, log: /\[mounts\]/ } },
    ),
    shown(
      'a file that is not there fails the task',
      { content: artifact('public/none') },
      { expected: { ...failed, log: /\[mounts\]/ } },
    ),
    shown(
      'a file of a task that is no dependency is malformed',
      { content: artifact('public/note') },
      { task: {}, expected: malformed(/depend/) },
    ),
    ...['gz', 'xz', 'zst', 'bz2'].map((format) =>
      shown(
        `a file is decompressed from ${format}`,
        { content: artifact(`public/note.${format}`), format },
        { expected: squeezed },
      ),
    ),
    shown(
      'a mount out of the directory is malformed',
      { file: '../f', content: { raw: '' } },
      {
        expected: malformed(/must lie inside/),
      },
    ),
    shown(
      'an unknown format is malformed',
      { content: { raw: '' }, format: 'arj' },
      {
        expected: malformed(/format/),
      },
    ),
  ];
};

const unpackedCases = ({ taskId, packed }: Given): PayloadCase[] =>
  packed.map((name) => {
    const format = name.slice('public/a.'.length);
    return {
      name: `a directory is unpacked from ${format}`,
      payload: script('cat d/e/in/file', {
        mounts: [{ directory: 'd/e', content: { taskId, artifact: name }, format }],
      }),
      task: { dependencies: [taskId] },
      expected: { ...completed, log: /^packed$/m },
    };
  });

const cacheCases = (given: Given): PayloadCase[] => {
  const { taskId } = given;
  const task = { dependencies: [taskId] };
  const cached = cachedIn(given);
  return [
    cached(
      'a new cache is empty',
      {},
      { expected: { ...completed, log: /writable/, notInLog: /^packed$/m } },
    ),
    cached(
      'a new cache begins with a content',
      { cacheName: 'c-2', content: { taskId, artifact: 'public/a.tar.gz' }, format: 'tar.gz' },
      {
        task: { ...task, scopes: ['generic-worker:cache:c-*'] },
        expected: { ...completed, log: /^packed\nwritable$/m },
      },
    ),
    cached(
      'a cache without its scope is malformed',
      {},
      { task, expected: malformed(/generic-worker:cache:c-1/) },
    ),
  ];
};

/** Payloads with mounts. Adds the task to the queue whose artifacts they mount. */
export const mountCases = (queue: FakeQueue): PayloadCase[] => {
  const given = mounted(queue);
  return [...fileCases(given), ...unpackedCases(given), ...cacheCases(given)];
};
