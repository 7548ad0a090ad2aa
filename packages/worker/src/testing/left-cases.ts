import { tarOf, zipOf } from './hostile-archives.ts';
import { completed, failed, malformed, type PayloadCase, script } from './payload-case.ts';

const directory = (path: string, more: object = {}) => ({ type: 'directory', path, name: 'public', ...more });
const zipped = (bytes: Buffer) => ({
  mounts: [{ directory: 'd', format: 'zip', content: { base64: bytes.toString('base64') } }],
});
const onlyProcess = {
  bubblewrap: 'its sandbox knows such ends',
  docker: 'a container knows such ends',
} as const;
const kinds = ['deb', 'npz', 'tbz', 'rpm', 'mp3', 'docx', 'avif', 'lz4', 'parquet', 'crx', 'snap'];

const ends: readonly PayloadCase[] = [34, 40, 64].map((signal) => ({
  name: `a command that signal ${signal} ends has failed, and its code counts`,
  payload: script(`kill -${signal} $$; sleep 60`, { onExitStatus: { retry: [128 + signal] } }),
  task: {},
  expected: { state: 'exception', reason: 'intermittent-task', log: new RegExp(`Exit code ${128 + signal}`) },
}));

const afterwards: readonly PayloadCase[] = [
  {
    name: 'a command whose parent is ended in its place has not succeeded',
    payload: script('kill -40 $PPID; sleep 1'),
    expected: failed,
    not: onlyProcess,
  },
  {
    name: 'variables with names that no shell takes reach a command',
    payload: {
      command: [['env']],
      maxRunTime: 300,
      env: { 'npm_config_//a.b/:x': 'odd one', 'a-b': "it's\ntwo lines" },
    },
    expected: { ...completed, log: /^npm_config_\/\/a\.b\/:x=odd one$/m, notInLog: /TASKYARD_ODD/ },
    not: { docker: 'the shell that joins both outputs there knows only names of its own kind' },
  },
];

const artifacts: readonly PayloadCase[] = [
  {
    name: 'a name that is no text costs no other artifact',
    payload: script('mkdir d; echo 1 > d/good; : > "d/$(printf "a\\351b").txt"', {
      artifacts: [directory('d')],
    }),
    expected: {
      ...failed,
      log: /printable ASCII/,
      artifacts: {
        'public/good': /^1$/m,
        'public/a%E9b.txt': { storageType: 'error', reason: 'invalid-resource-on-worker' },
      },
    },
  },
  {
    name: 'an optional directory may lack what it likes',
    payload: script('mkdir d; echo 1 > d/ok; ln -s /nowhere/at-all d/lock; mkfifo d/p; : > d/ü', {
      artifacts: [
        directory('d', { optional: true }),
        { type: 'file', path: 'd', name: 'public/x', optional: true },
        { type: 'file', path: 'd/lock', name: 'public/y', optional: true },
      ],
    }),
    expected: {
      ...completed,
      log: /public\/lock is left out, as it is optional/,
      artifacts: { 'public/ok': /^1$/m, 'public/lock': null, 'public/p': null, 'public/x': null },
    },
  },
  {
    name: 'read-only trees, pipes, sockets and devices are no obstacle to anything',
    payload: script(
      `mkdir -p r/o && echo fine > r/o/f && mkfifo r/p && ln -s /dev/zero r/z && chmod 500 r/o r
      mknod null c 1 3 2>/dev/null
      command -v node && node -e "require('net').createServer().listen('socket', () => process.exit())"
      echo over`,
      { artifacts: [directory('r/o')] },
    ),
    // Whether they are gone is seen when the worker ends.
    expected: { ...completed, log: /^over$/m, artifacts: { 'public/f': /^fine$/m } },
  },
  {
    name: 'two files of one name are malformed',
    payload: script('true', {
      artifacts: [
        { type: 'file', path: 'a', name: 'public/x' },
        { type: 'file', path: 'b', name: 'public/x' },
      ],
    }),
    expected: malformed(/public\/x is the name of more than one file/),
  },
  {
    name: 'a file needs a name, and logs need two that artifacts can have',
    payload: script('true', {
      artifacts: [{ type: 'file', path: 'a', name: '' }],
      logs: { live: 'public/x', backing: 'public/x' },
    }),
    expected: { state: 'exception', reason: 'malformed-payload' },
  },
  {
    name: 'a log cannot have a name that no artifact has',
    payload: script('true', { logs: { live: 'public/ü' } }),
    expected: malformed(/public\/ü.*printable ASCII/),
  },
  {
    name: 'a name that no URL can have fails its task, and costs no other artifact',
    payload: script('echo 1 > a; echo 2 > b', {
      artifacts: [
        { type: 'file', path: 'a', name: '..' },
        { type: 'file', path: 'b', name: 'public/b' },
      ],
    }),
    expected: { ...failed, log: /Artifact \.\.: /, artifacts: { 'public/b': /^2$/m } },
  },
  {
    name: 'of directories that hold the same name the last one counts',
    payload: script('mkdir d e; echo first > d/x.txt; echo last > e/x.txt', {
      artifacts: [directory('d', { contentType: 'text/html' }), directory('e')],
    }),
    expected: { ...completed, log: /declared more than once/, artifacts: { 'public/x.txt': /^last$/m } },
  },
  {
    name: 'a file in a directory does not take the place of the log',
    payload: script(
      'mkdir -p p/logs; echo own > p/logs/live.log; echo own > p/logs/live_backing.log; echo fine > p/ok; echo spoken',
      { artifacts: [directory('p', { contentType: 'text/html' })] },
    ),
    expected: {
      ...completed,
      log: /^spoken$/m,
      artifacts: {
        'public/logs/live.log': { storageType: 'link' },
        'public/logs/live_backing.log': { contentType: 'text/plain; charset=utf-8' },
        'public/ok': /^fine$/m,
      },
    },
  },
  {
    name: 'a file may have the name of a log that is not kept',
    payload: script('mkdir -p p/logs; echo own > p/logs/live.log', {
      artifacts: [directory('p')],
      features: { liveLog: false },
    }),
    expected: { ...completed, artifacts: { 'public/logs/live.log': /^own$/m } },
  },
  {
    name: 'what is compressed already is not compressed again',
    payload: script(`mkdir d; for kind in ${kinds.join(' ')}; do echo hello > d/a.$kind; done`, {
      artifacts: [directory('d')],
    }),
    expected: {
      ...completed,
      artifacts: Object.fromEntries(kinds.map((kind) => [`public/a.${kind}`, /^hello$/m])),
    },
  },
];

const zips: readonly PayloadCase[] = [
  {
    name: 'a zip that was packed on Windows is unpacked with a warning',
    payload: script(
      'cat d/in/file',
      zipped(zipOf([{ name: 'in\\file', content: 'hello\n' }], { system: 0 })),
    ),
    expected: { ...completed, log: /by backslashes.*in\/file[\s\S]*^hello$/m },
  },
  {
    name: 'a way to compress that cannot be read is named',
    payload: script('true', zipped(zipOf([{ name: 'f', content: 'x' }], { method: 14 }))),
    expected: { ...failed, log: /f is compressed by LZMA/ },
  },
];

const tarred = await tarOf({ name: 'f', content: 'x' });

const mounts: readonly PayloadCase[] = [
  {
    name: 'an archive over a file fails the task with a sentence',
    payload: script('true', {
      mounts: [
        { file: 'd', content: { raw: 'x' } },
        { directory: 'd/e', format: 'tar', content: { base64: tarred.toString('base64') } },
      ],
    }),
    expected: { ...failed, log: /Nothing can be put at d\/e: there is a link or a file where a directory/ },
  },
  {
    name: 'a file over a directory fails the task with a sentence',
    payload: script('true', {
      mounts: [
        { directory: 'd', format: 'tar', content: { base64: tarred.toString('base64') } },
        { directory: 'd/f', format: 'tar', content: { base64: tarred.toString('base64') } },
      ],
    }),
    expected: { ...failed, log: /Nothing can be put at d\/f/ },
  },
];

/** Effects of payloads, and of what tasks leave behind. */
export const leftCases: readonly PayloadCase[] = [...ends, ...afterwards, ...artifacts, ...zips, ...mounts];
