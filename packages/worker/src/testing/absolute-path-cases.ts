import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tarOf } from './hostile-archives.ts';
import { completed, failed, malformed, type PayloadCase, script } from './payload-case.ts';

// Outside of every task's directory, and beside the way to them; only this process uses it.
const elsewhere = join(tmpdir(), `taskyard-paths-${process.pid}`);

const file = (path: string, more: Record<string, unknown> = {}) => ({ type: 'file', path, ...more });
const directory = (path: string, name: string) => ({ type: 'directory', path, name });

const commandsPersist = 'what one command leaves outside of its directory, the next does not find';
const machineIsShown = 'its tasks see the machine itself';

const archive = (await tarOf({ name: 'in/file', content: 'packed\n' })).toString('base64');

/** What tasks have at absolute paths. */
export const absolutePathCases: readonly PayloadCase[] = [
  {
    name: 'caches, mounts and artifacts may be at absolute paths',
    payload: script(
      `cat ${elsewhere}-unpacked/in/file && date > ${elsewhere}-cache/stamp && echo fine > ${elsewhere}-report`,
      {
        mounts: [
          { cacheName: 'absolute', directory: `${elsewhere}-cache` },
          { file: `${elsewhere}-file`, content: { raw: 'raw' } },
          { directory: `${elsewhere}-unpacked`, format: 'tar', content: { base64: archive } },
        ],
        artifacts: [
          file(`${elsewhere}-report`, { name: 'public/report.txt' }),
          file(`${elsewhere}-file`, { name: 'public/file.txt' }),
          file(`${elsewhere}-cache/stamp`, { name: 'public/stamp.txt' }),
          directory(`${elsewhere}-unpacked`, 'public/unpacked'),
        ],
      },
    ),
    task: { scopes: ['generic-worker:cache:absolute'] },
    expected: {
      ...completed,
      log: /^packed$/m,
      artifacts: {
        'public/report.txt': /^fine$/m,
        'public/file.txt': /^raw$/,
        'public/stamp.txt': /\d/,
        'public/unpacked/in/file': /^packed$/m,
      },
    },
  },
  {
    name: 'an artifact at an absolute path keeps its path as its name',
    payload: script(`mkdir -p ${elsewhere}/out && echo fine > ${elsewhere}/out/report`, {
      artifacts: [file(`${elsewhere}/out/report`)],
    }),
    expected: { ...completed, artifacts: { [`${elsewhere}/out/report`]: /^fine$/m } },
  },
  {
    name: 'an artifact at an absolute path that is not there fails the task, by the path that it has',
    payload: script('true', { artifacts: [file(`${elsewhere}-none`, { name: 'public/none' })] }),
    expected: {
      ...failed,
      log: new RegExp(`left no file at ${elsewhere}-none`),
      artifacts: { 'public/none': { storageType: 'error', reason: 'file-missing-on-worker' } },
    },
  },
  {
    name: 'links among absolute paths are followed',
    payload: script(
      `mkdir -p ${elsewhere}-l && cd ${elsewhere}-l && echo fine > real && ln -s ${elsewhere}-l/real link`,
      { artifacts: [directory(`${elsewhere}-l`, 'public/links')] },
    ),
    expected: { ...completed, artifacts: { 'public/links/link': /^fine$/m } },
  },
  {
    name: 'commands of one task share what has an absolute path',
    payload: {
      command: [
        ['sh', '-c', `echo first > ${elsewhere}-shared`],
        ['sh', '-c', `cat ${elsewhere}-shared; echo second >> ${elsewhere}-shared`],
      ],
      maxRunTime: 60,
      artifacts: [file(`${elsewhere}-shared`, { name: 'public/shared' })],
    },
    expected: { ...completed, log: /^first$/m, artifacts: { 'public/shared': /^first\nsecond$/m } },
    not: { docker: commandsPersist },
  },
  {
    name: 'an artifact is of the last container that has it',
    payload: {
      command: [
        ['sh', '-c', 'mkdir /left && echo first > /left/a && echo early > /left/b'],
        ['sh', '-c', 'mkdir /left && echo second > /left/a'],
      ],
      maxRunTime: 60,
      artifacts: [file('/left/a', { name: 'public/a' }), file('/left/b', { name: 'public/b' })],
    },
    expected: { ...completed, artifacts: { 'public/a': /^second$/m, 'public/b': /^early$/m } },
    not: { process: machineIsShown, bubblewrap: 'a directory at an absolute path is that of the task' },
  },
  {
    name: 'directories at the root of a task may be its own',
    payload: script('test -w /builds && mkdir -p /builds/out && echo fine > /builds/out/x', {
      mounts: [{ cacheName: 'builds', directory: '/builds/cache' }],
      artifacts: [directory('/builds/out', 'public/out')],
    }),
    task: { scopes: ['generic-worker:cache:builds'] },
    expected: { ...completed, artifacts: { 'public/out/x': /^fine$/m } },
    not: { process: machineIsShown },
  },
  {
    name: 'an absolute path in the system is malformed where that is read-only',
    payload: script('true', {
      mounts: [{ file: '/usr/bin/x', content: { raw: 'x' } }],
      artifacts: [file('/etc/report'), file('/report'), directory('/proc/self', 'public/d')],
    }),
    expected: malformed(
      /artifacts\/0\/path: \/etc\/report shares a directory with the system[\s\S]*artifacts\/1\/path: \/report shares a directory[\s\S]*artifacts\/2\/path: \/proc\/self is a part[\s\S]*mounts\/0\/file: \/usr\/bin\/x is a part of the system/,
    ),
    not: { process: machineIsShown, docker: 'its containers have a system of their own' },
  },
  {
    name: "a mount in the place of the worker's directories is malformed",
    payload: script('true', { mounts: [{ cacheName: 'c', directory: tmpdir() }] }),
    task: { scopes: ['generic-worker:cache:c'] },
    expected: malformed(/mounts\/0\/directory: .* holds a part of the (system, or of the )?worker itself/),
    not: { process: machineIsShown },
  },
];
