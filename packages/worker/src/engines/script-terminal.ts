import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readlink } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import type { TerminalSize } from '@taskyard/client';
import type { Terminal } from './engine.ts';
import { inheritedDescriptors } from './inherited-descriptors.ts';
import { type Spawning, signalGroup } from './spawned.ts';

/** A command line as a shell reads it. */
export const shellWords = (argv: readonly string[]): string =>
  argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');

/** Bash where there is one, else what there is. */
export const chooseShell = 'if command -v bash >/dev/null 2>&1; then exec bash -i; else exec sh -i; fi';

export interface ScriptedShell {
  /** The program `script` of this machine, which makes terminals. */
  readonly script: string;
  /** What runs in the terminal, as a line of a shell. */
  readonly line: string;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly size: TerminalSize;
}

const exitCodeKilled = 137;
const inherited = inheritedDescriptors();

const argumentsOf = (line: string): string[] =>
  process.platform === 'darwin'
    ? ['-q', '/dev/null', '/bin/sh', '-c', line]
    : ['--quiet', '--flush', '--return', '--command', line, '/dev/null'];

/** Where the shell's side of the terminal is: its number is that of what the child of `script` has as its input. */
const sideOfShell = async (pid: number): Promise<string | undefined> => {
  const [child = ''] = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ');
  const place = await readlink(`/proc/${child}/fd/0`);
  return /^\/dev\/pts\/\d+$/.test(place) ? place : undefined;
};

/** The shells in a terminal hear of its new size by a signal, as they do at home. */
const resize = async (child: ChildProcess, { columns, rows }: TerminalSize): Promise<void> => {
  const side = child.pid === undefined ? undefined : await sideOfShell(child.pid);
  if (side) execFile('stty', ['-F', side, 'rows', String(rows), 'columns', String(columns)], () => undefined);
};

/** Opens a terminal by `script`, which dies with this worker, and takes its terminal from what runs in it. */
export const openScriptTerminal = async (
  { watchdog }: Spawning,
  { script, line, directory, environment, size }: ScriptedShell,
): Promise<Terminal> => {
  const { columns, rows } = size;
  const { SHELL } = environment;
  // `script` runs the line by the shell that SHELL names, and the task may have one of its own there.
  const own = SHELL === undefined ? 'unset SHELL' : `SHELL=${shellWords([SHELL])}`;
  const prepared = `stty sane rows ${rows} columns ${columns} 2>/dev/null; ${own}; ${line}`;
  const child: ChildProcess & { stdin: Writable; stdout: Readable } = spawn(script, argumentsOf(prepared), {
    cwd: directory,
    env: { ...environment, SHELL: '/bin/sh' },
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore', ...inherited.map(() => 'ignore' as const)],
  }) as never;
  await once(child, 'spawn');
  const group = child.pid as number;
  watchdog.watch(group);
  let isOver = false;
  const ended = new Promise<number>((resolve) => {
    child.once('exit', (code) => {
      isOver = true;
      signalGroup(group, 'SIGKILL');
      watchdog.forget(group);
      resolve(code ?? exitCodeKilled);
    });
  });
  child.stdin.on('error', () => undefined);
  return {
    keys: child.stdin,
    screen: child.stdout,
    resize: (wanted) => void resize(child, wanted).catch(() => undefined),
    wait: () => ended,
    kill: () => {
      if (!isOver) signalGroup(group, 'SIGKILL');
    },
  };
};
