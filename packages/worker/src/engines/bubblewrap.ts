import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import type { TerminalSize } from '@taskyard/client';
import type { ControlGroup, ControlGroups } from './control-groups.ts';
import type { Command, Engine, Outside, RunningCommand, ShellPlace, Terminal } from './engine.ts';
import { findProgram } from './find-program.ts';
import { makeOutside, outsideArguments, sandboxOutside } from './outside.ts';
import { chooseShell, openScriptTerminal, shellWords } from './script-terminal.ts';
import { type Spawned, type Spawning, signalGroup, spawnLeader } from './spawned.ts';

const run = promisify(execFile);

export interface SandboxOptions {
  /** The worker's PATH, in which `bwrap` is searched. */
  readonly path: string;
  /** Paths that tasks see read-only, besides the system's directories. */
  readonly readOnlyPaths: readonly string[];
  /** Directories inside those that tasks must not see, such as a server's data. */
  readonly hiddenPaths: readonly string[];
  /** Whether tasks have only their own loopback interface as network. */
  readonly isolateNetwork: boolean;
}

/** The abilities of a machine's `bwrap`. */
export interface Sandbox extends SandboxOptions {
  readonly program: string;
  readonly isolation: readonly string[];
}

const systemDirectories = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

// Not all of /etc: a worker that runs as root would show secrets of the machine (shadow, keys) to its tasks.
const systemFiles = [
  'alternatives',
  'ca-certificates',
  'ca-certificates.conf',
  'crypto-policies',
  'debian_version',
  'fonts',
  'gai.conf',
  'group',
  'host.conf',
  'hostname',
  'hosts',
  'inputrc',
  'java-17-openjdk',
  'java-21-openjdk',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'locale.alias',
  'machine-id',
  'magic',
  'magic.mime',
  'mime.types',
  'nsswitch.conf',
  'os-release',
  'passwd',
  'pki/ca-trust',
  'pki/tls/certs',
  'pki/tls/cert.pem',
  'protocols',
  'python3',
  'resolv.conf',
  'services',
  'shells',
  'ssl/certs',
  'ssl/openssl.cnf',
  'terminfo',
  'timezone',
].map((name) => `/etc/${name}`);

const readOnly = (path: string): string[] => ['--ro-bind-try', path, path];

/** What tasks cannot have anything at: it is the machine's, or the sandbox's own. */
const readOnlyIn = ({ readOnlyPaths }: SandboxOptions): string[] => [
  ...systemDirectories,
  ...systemFiles,
  '/dev',
  '/proc',
  '/sys',
  ...readOnlyPaths,
];

// Without a user namespace root would keep its capabilities, and could mount its way out; with one, or with
// all of them dropped, it cannot. The second works where the first may not, such as in another user's home.
const isolations = [
  ['--unshare-user', '--unshare-all', '--cap-drop', 'ALL'],
  ['--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-net', '--cap-drop', 'ALL'],
] as const;

const realPathOf = (path: string): string | undefined => {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
};

/** The place of a hidden path inside a shown one, if there is one; both may be reached by links. */
const showsAt = (hidden: string, shown: string): string | undefined => {
  const [hiddenPlace, shownPlace] = [realPathOf(hidden), realPathOf(shown)];
  if (hiddenPlace === undefined || shownPlace === undefined) return undefined;
  const below = relative(shownPlace, hiddenPlace);
  return below === '..' || below.startsWith('../') ? undefined : join(shown, below);
};

/** Covers each hidden path inside a read-only one with nothing. */
const hide = ({ readOnlyPaths, hiddenPaths }: SandboxOptions): string[] => {
  const shown = [...systemDirectories, ...systemFiles, ...readOnlyPaths];
  const places = hiddenPaths.flatMap((path) => shown.map((one) => showsAt(path, one)));
  return [...new Set(places)]
    .filter((place) => place !== undefined)
    .flatMap((place) =>
      statSync(place).isDirectory() ? ['--tmpfs', place] : ['--ro-bind', '/dev/null', place],
    );
};

/** What a sandbox shows beside the system: the task's directory, and what its task has elsewhere. */
interface Shown {
  readonly directory: string;
  readonly outside?: { readonly has: Outside; readonly runs: string } | undefined;
}

const sandboxArguments = (sandbox: Sandbox, { directory, outside }: Shown): string[] => [
  ...sandbox.isolation.filter((argument) => sandbox.isolateNetwork || argument !== '--unshare-net'),
  ...(sandbox.isolateNetwork || !sandbox.isolation.includes('--unshare-all') ? [] : ['--share-net']),
  '--new-session',
  '--die-with-parent',
  '--hostname',
  'task',
  ...systemDirectories.flatMap(readOnly),
  ...systemFiles.flatMap(readOnly),
  ...readOnly('/sys/devices/system/cpu'),
  '--proc',
  '/proc',
  '--dev',
  '/dev',
  '--perms',
  '1777',
  '--tmpfs',
  '/tmp',
  '--perms',
  '1777',
  '--dir',
  '/var/tmp',
  '--dir',
  '/run',
  // Before all that a task must not have covered.
  ...(outside ? outsideArguments(outside.has, outside) : []),
  ...sandbox.readOnlyPaths.flatMap(readOnly),
  ...hide(sandbox),
  '--bind',
  directory,
  directory,
  '--chdir',
  directory,
];

/** Tries `bwrap` on this directory, with everything that tasks get; undefined when it does not work. */
export const findSandbox = async (
  options: SandboxOptions,
  directory: string,
): Promise<Sandbox | undefined> => {
  const program = findProgram('bwrap', options.path);
  if (program === undefined) return undefined;
  for (const isolation of isolations) {
    const sandbox = { ...options, program, isolation };
    const args = [...sandboxArguments(sandbox, { directory }), '--', '/bin/sh', '-c', 'test -w .'];
    const works = await run(program, args, { env: {}, timeout: 10_000 }).then(
      () => true,
      () => false,
    );
    if (works) return sandbox;
  }
  return undefined;
};

export interface SandboxedOptions {
  readonly sandbox: Sandbox;
  /** The program that makes terminals. */
  readonly script: string | undefined;
  /** Limit what commands use. */
  readonly groups: ControlGroups | undefined;
  /** The directory of all runs. */
  readonly runs: string;
}

/**
 * Runs each command in namespaces of its own: it sees a read-only system, its own processes and /tmp, its
 * task's directory, and nothing else of this machine's files.
 */
export const bubblewrapEngine = (
  spawning: Spawning,
  { sandbox, script, groups, runs }: SandboxedOptions,
): Engine => ({
  name: 'bubblewrap',
  outside: sandboxOutside({ readOnly: readOnlyIn(sandbox), runs }),
  confine: (argv, directory) => [
    sandbox.program,
    ...sandboxArguments({ ...sandbox, readOnlyPaths: [] }, { directory }),
    '--',
    ...argv,
  ],
  start: (command, output) => startLimited(spawning, { sandbox, groups, runs }, { command, output }),
  openTerminal:
    script === undefined
      ? undefined
      : (place, size) => openTerminalInSandbox(spawning, { sandbox, script, runs }, { place, size }),
  // Every process is in the namespace of a command, and ends with it.
  sweep: async () => undefined,
  close: () => {
    spawning.watchdog.close();
    spawning.pipes.close();
  },
});

const placeArguments = async (
  { sandbox, runs }: Pick<SandboxedOptions, 'sandbox' | 'runs'>,
  { directory, environment, outside: has }: ShellPlace,
): Promise<string[]> => {
  if (has) await makeOutside(has, { runs });
  return [
    '--clearenv',
    ...Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value]),
    ...sandboxArguments(sandbox, { directory, outside: has && { has, runs } }),
  ];
};

/** Arguments as `--args` reads them. */
const asFile = (args: readonly string[]): string => args.map((argument) => `${argument}\0`).join('');

/**
 * A shell in a sandbox of its own over the task's directory: processes and /tmp of the task's commands are not in it. The
 * terminal is its controlling one, which commands have none of: what could be typed into it from inside reaches no other.
 */
const openTerminalInSandbox = async (
  spawning: Spawning,
  { sandbox, script, runs }: { sandbox: Sandbox; script: string; runs: string },
  { place, size }: { place: ShellPlace; size: TerminalSize },
): Promise<Terminal> => {
  const settings = join(place.privateDirectory, `shell-${randomBytes(6).toString('hex')}`);
  const all = await placeArguments({ sandbox, runs }, place);
  const args = all.filter((argument) => argument !== '--new-session');
  await writeFile(settings, asFile(args), { mode: 0o600, flag: 'wx' });
  const words = shellWords([sandbox.program, '--args', '9', '--', '/bin/sh', '-c', chooseShell]);
  const line = `exec ${words} 9<${shellWords([settings])}`;
  const { directory } = place;
  const shell = { script, line, directory, environment: { PATH: '/usr/bin:/bin' }, size };
  const terminal = await openScriptTerminal(spawning, shell);
  void terminal.wait().then(() => rm(settings, { force: true }));
  return terminal;
};

const startLimited = async (
  spawning: Spawning,
  { groups, ...sandboxed }: Omit<SandboxedOptions, 'script'>,
  { command, output }: { command: Command; output: Writable },
): Promise<RunningCommand> => {
  const group = groups?.open();
  if (!group) return startInSandbox(spawning, sandboxed, { command, output });
  const running = await startInSandbox(spawning, sandboxed, { command, output, group }).catch(
    async (error) => {
      await group.close();
      throw error;
    },
  );
  const over = running.wait().then(async (exit) => {
    if (group.ranOutOfMemory())
      output.write('The command had more memory than it may have, and was ended.\n');
    await group.close();
    return exit;
  });
  return { ...running, wait: () => over };
};

const startInSandbox = async (
  spawning: Spawning,
  sandboxed: Pick<SandboxedOptions, 'sandbox' | 'runs'>,
  { command, output, group }: { command: Command; output: Writable; group?: ControlGroup },
): Promise<RunningCommand> => {
  // The environment goes through a pipe. As bwrap's own it could do harm outside (LD_PRELOAD); as arguments
  // it would show in the machine's list of processes.
  const plain = [sandboxed.sandbox.program, '--args', '4', '--', ...command.argv];
  const args = ['--info-fd', '3', ...(await placeArguments(sandboxed, command))];
  const [program = '', ...words] = group?.entering(plain) ?? plain;
  const launch = { program, args: words, environment: {}, extraPipes: 2 };
  const outer = await spawnLeader(spawning, { command, output, launch });
  const [, , , information, settings] = outer.child?.stdio ?? [];
  settings?.on('error', () => undefined);
  (settings as Writable | undefined)?.end(asFile(args));
  const inner = innerGroup(information as Readable | undefined, outer);
  return {
    wait: () => outer.exited,
    usage: outer.usage,
    terminate: () => inner.terminate(),
    kill: () => outer.signal('SIGKILL'),
  };
};

/**
 * The command's own session inside. A SIGTERM to the outer process would end bwrap itself, and the command at
 * once with it; so it goes to the inner group, whose first process, being pid 1 of its namespace, ignores it.
 */
const innerGroup = (information: Readable | undefined, outer: Spawned): { terminate(): void } => {
  let group: number | undefined;
  let isOver = false;
  let text = '';
  information?.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  information?.once('end', () => {
    const { 'child-pid': pid } = JSON.parse(text || '{}') as { 'child-pid'?: number };
    group = pid;
  });
  information?.on('error', () => undefined);
  void outer.exited.then(() => {
    isOver = true;
  });
  return {
    terminate: () => {
      if (isOver) return;
      if (group === undefined) outer.signal('SIGTERM');
      else signalGroup(group, 'SIGTERM');
    },
  };
};
