import { completed, failed, malformed, type PayloadCase, script } from './payload-case.ts';

const file = (path: string, more: Record<string, unknown> = {}) => ({ type: 'file', path, ...more });

const commands: readonly PayloadCase[] = [
  {
    name: 'the smallest payload completes',
    payload: { command: [['true']], maxRunTime: 60 },
    expected: completed,
  },
  {
    name: 'commands run in order, in one directory',
    payload: {
      command: [
        ['sh', '-c', 'echo one > f'],
        ['cat', 'f'],
      ],
      maxRunTime: 60,
    },
    expected: { ...completed, log: /^one$/m },
  },
  {
    name: 'the first command that fails is the last',
    payload: { command: [['false'], ['echo', 'unreached']], maxRunTime: 60 },
    expected: { ...failed, notInLog: /^unreached$/m },
  },
  {
    name: 'an exit code is told',
    payload: script('exit 42'),
    expected: { ...failed, log: /Exit code 42 after/ },
  },
  {
    name: 'arguments arrive as they are',
    payload: {
      command: [['sh', '-c', 'for a; do echo "<$a>"; done', '-', 'two words', '', '$HOME', "it's", 'ü*"']],
      maxRunTime: 60,
    },
    expected: { ...completed, log: /^<two words>\n<>\n<\$HOME>\n<it's>\n<ü\*">$/m },
  },
  {
    name: 'a program that is not there fails the task',
    payload: { command: [['no-such-program']], maxRunTime: 60 },
    expected: { ...failed, log: /no-such-program/ },
  },
  {
    name: 'standard input is at its end',
    payload: script('cat; echo after'),
    expected: { ...completed, log: /^after$/m },
  },
  {
    name: 'both outputs are in the log',
    payload: script('echo out; echo err >&2'),
    expected: { ...completed, log: /^out\nerr$/m },
  },
  {
    name: 'a last line without an end keeps to itself',
    payload: script('printf unfinished'),
    expected: { ...completed, log: /^unfinished\n\[taskcluster /m },
  },
  {
    name: 'bytes that are no text pass',
    payload: script('printf "a\\0b\\377c\\n"'),
    expected: { ...completed, log: /^a\0b\ufffdc$/m },
  },
  {
    name: 'a task that takes too long fails',
    payload: script('echo begun; sleep 1000', { maxRunTime: 2 }),
    expected: { ...failed, log: /begun\n(.|\n)*longer than maxRunTime, which is 2 s/ },
  },
  {
    name: 'a task that ignores SIGTERM is killed',
    payload: script('trap "" TERM; while :; do sleep 0.1; done', { maxRunTime: 1 }),
    expected: { ...failed, log: /maxRunTime/ },
  },
  {
    name: 'what is left in the background does not hold up the task',
    payload: script('sleep 1000 & echo on', { artifacts: [file('none', { optional: true })] }),
    expected: { ...completed, log: /^on$/m },
  },
  {
    name: 'a task may empty its directory',
    payload: script('echo x > f; cd /; rm -r "$TASK_WORKDIR"/*; echo emptied'),
    expected: { ...completed, log: /^emptied$/m },
  },
];

const environment: readonly PayloadCase[] = [
  {
    name: 'variables are set, also odd ones',
    payload: script('echo "[$A][$B][$C]"', { env: { A: 'a=b', B: 'two\nlines', C: '' } }),
    expected: { ...completed, log: /^\[a=b\]\[two\nlines\]\[\]$/m },
  },
  {
    name: 'what names the task cannot be changed',
    payload: script('echo "$TASK_ID $RUN_ID"', { env: { TASK_ID: 'mine', RUN_ID: '9' } }),
    expected: { ...completed, log: /^[\w-]{22} 0$/m },
  },
  {
    name: 'the task knows its group, its server and its directory',
    payload: script(
      'echo "$TASK_GROUP_ID $TASKCLUSTER_ROOT_URL"; test "$PWD" = "$TASK_WORKDIR" && echo here',
    ),
    expected: { ...completed, log: /^[\w-]{22} http:\/\/127\.0\.0\.1:\d+\nhere$/m },
  },
  {
    name: "home is the task's directory, and can be written to",
    payload: script('echo x > "$HOME/f"; ls', { artifacts: [file('f')] }),
    expected: { ...completed, artifacts: { f: /^x\n$/ } },
  },
  {
    name: 'a variable without a name is malformed',
    payload: script('true', { env: { '': 'x' } }),
    expected: malformed(/cannot be an environment variable/),
  },
  {
    name: 'a variable that is no text is malformed',
    payload: script('true', { env: { A: 1 } }),
    expected: malformed(/env/),
  },
];

const exitCodes: readonly PayloadCase[] = [
  {
    name: 'an exit code to try again makes the failure intermittent',
    payload: script('exit 7', { onExitStatus: { retry: [6, 7] } }),
    expected: { state: 'exception', reason: 'intermittent-task' },
  },
  {
    name: 'another exit code does not',
    payload: script('exit 8', { onExitStatus: { retry: [7] } }),
    expected: failed,
  },
  {
    name: 'success cannot be tried again',
    payload: script('true', { onExitStatus: { retry: [0] } }),
    expected: malformed(/onExitStatus/),
  },
];

const artifacts: readonly PayloadCase[] = [
  {
    name: 'a file becomes an artifact, by its path or by its name',
    payload: script('mkdir d; echo 1 > d/a; echo 2 > b', {
      artifacts: [file('d/a'), file('b', { name: 'public/other' })],
    }),
    expected: { ...completed, artifacts: { 'd/a': /^1\n$/, 'public/other': /^2\n$/ } },
  },
  {
    name: 'a directory becomes artifacts, file by file',
    payload: script('mkdir -p d/e; echo 1 > d/a; echo 2 > d/e/b', {
      artifacts: [{ type: 'directory', path: 'd', name: 'public' }],
    }),
    expected: { ...completed, artifacts: { 'public/a': /^1\n$/, 'public/e/b': /^2\n$/ } },
  },
  {
    name: 'an artifact that is missing fails the task, and says so in its place',
    payload: script('true', { artifacts: [file('none', { name: 'public/none' })] }),
    expected: {
      ...failed,
      artifacts: { 'public/none': { storageType: 'error', reason: 'file-missing-on-worker' } },
    },
  },
  {
    name: 'an artifact that may be missing is',
    payload: script('true', { artifacts: [file('none', { optional: true })] }),
    expected: { ...completed, artifacts: { none: null } },
  },
  {
    name: 'a directory is no file',
    payload: script('mkdir d', { artifacts: [file('d')] }),
    expected: { ...failed, artifacts: { d: { storageType: 'error', reason: 'invalid-resource-on-worker' } } },
  },
  {
    name: 'a file is no directory',
    payload: script('echo x > f', { artifacts: [{ type: 'directory', path: 'f' }] }),
    expected: { ...failed, artifacts: { f: { storageType: 'error', reason: 'invalid-resource-on-worker' } } },
  },
  {
    name: 'a link to a file of the task is that file',
    payload: script('echo x > f; ln -s f l', { artifacts: [file('l')] }),
    expected: { ...completed, artifacts: { l: /^x\n$/ } },
  },
  {
    name: 'a link out of the directory leads nowhere',
    payload: script('ln -s /etc/passwd l', { artifacts: [file('l')] }),
    expected: { ...failed, artifacts: { l: { storageType: 'error', reason: 'invalid-resource-on-worker' } } },
  },
  {
    name: 'the type of a content is given, or follows from the name',
    payload: script('echo "{}" > a.json; echo x > b', {
      artifacts: [file('a.json'), file('b', { contentType: 'text/x-mine' })],
    }),
    expected: {
      ...completed,
      artifacts: { 'a.json': { contentType: 'application/json' }, b: { contentType: 'text/x-mine' } },
    },
  },
  {
    name: 'a content travels compressed unless it is so already, or must not',
    payload: script('for f in a.txt b.png c.txt; do echo $f > $f; done', {
      artifacts: [file('a.txt'), file('b.png'), file('c.txt', { contentEncoding: 'identity' })],
    }),
    expected: {
      ...completed,
      artifacts: { 'a.txt': { 'content-encoding': 'gzip' }, 'b.png': /^b\.png\n$/, 'c.txt': /^c\.txt\n$/ },
    },
  },
  {
    name: 'what a failing command left is uploaded',
    payload: script('echo x > f; exit 1', { artifacts: [file('f')] }),
    expected: { ...failed, artifacts: { f: /^x\n$/ } },
  },
  {
    name: 'an artifact that would outlive its task is malformed',
    payload: script('true', { artifacts: [file('f', { expires: '2999-01-01T00:00:00.000Z' })] }),
    expected: malformed(/expires must lie between/),
  },
];

const logs: readonly PayloadCase[] = [
  {
    name: 'the log is kept, and the live one leads to it',
    payload: script('echo x'),
    expected: {
      ...completed,
      artifacts: {
        'public/logs/live.log': { storageType: 'link', artifact: 'public/logs/live_backing.log' },
        'public/logs/live_backing.log': /^x$/m,
      },
    },
  },
  {
    name: 'logs have the names that the payload gives them',
    payload: script('echo x', { logs: { live: 'a/live', backing: 'a/kept' } }),
    expected: {
      ...completed,
      artifacts: { 'a/live': { artifact: 'a/kept' }, 'a/kept': /^x$/m, 'public/logs/live.log': null },
    },
  },
  {
    name: 'no log is shown live when the payload does not want it',
    payload: script('echo x', { features: { liveLog: false } }),
    expected: {
      ...completed,
      artifacts: { 'public/logs/live.log': null, 'public/logs/live_backing.log': /^x$/m },
    },
  },
  {
    name: 'no log is kept when the payload does not want it',
    payload: script('echo x', { features: { backingLog: false } }),
    expected: { ...completed, artifacts: { 'public/logs/live_backing.log': null } },
  },
];

const mistakes: readonly PayloadCase[] = [
  {
    name: 'a field that nobody knows is malformed',
    payload: script('true', { unheard: 1 }),
    expected: malformed(/unheard/),
  },
  {
    name: 'no command is malformed',
    payload: { command: [], maxRunTime: 60 },
    expected: malformed(/command/),
  },
  {
    name: 'an empty command is malformed',
    payload: { command: [[]], maxRunTime: 60 },
    expected: malformed(/command/),
  },
  { name: 'no maxRunTime is malformed', payload: { command: [['true']] }, expected: malformed(/maxRunTime/) },
  {
    name: 'a maxRunTime of nothing is malformed',
    payload: script('true', { maxRunTime: 0 }),
    expected: malformed(/maxRunTime/),
  },
  {
    name: 'a maxRunTime beyond what the worker allows is malformed',
    payload: script('true', { maxRunTime: 100_000 }),
    expected: malformed(/maxRunTime is 100000 s/),
  },
  {
    name: 'groups that the worker cannot give are malformed',
    payload: script('true', { osGroups: ['docker'] }),
    expected: malformed(/osGroups/),
  },
  {
    name: 'a feature that the worker does not have is malformed',
    payload: script('true', { features: { loopbackVideo: true } }),
    expected: malformed(/loopbackVideo/),
  },
  {
    name: 'old fields without effect are accepted',
    payload: script('true', { supersederUrl: 'https://example.com', taskclusterProxyInterface: 'localhost' }),
    expected: completed,
  },
  {
    name: 'all mistakes are told at once',
    payload: script('true', { maxRunTime: 100_000, osGroups: ['docker'] }),
    expected: malformed(/maxRunTime(.|\n)*osGroups|osGroups(.|\n)*maxRunTime/),
  },
];

/** Payloads of the generic-worker format that need nothing but the worker. */
export const payloadCases: readonly PayloadCase[] = [
  ...commands,
  ...environment,
  ...exitCodes,
  ...artifacts,
  ...logs,
  ...mistakes,
];
