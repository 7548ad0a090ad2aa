import type { Readable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { CommandExit } from './engine.ts';
import type { Spawned } from './spawned.ts';

/** The descriptor on which the shell between reports. */
const reportDescriptor = 3;

// Node takes a process that a nameless signal (32 to 64) ended for one that ended well. So a shell is between,
// which knows how the command ended, and reports it. It waits for the command whatever the group is sent; its own catching
// is not inherited. What a shell adds to the environment is taken out again.
const script = `trap : HUP INT QUIT TERM USR1 USR2 ALRM PIPE
"$@" 3>&-
code=$?
echo "$code" >&3
exit "$code"`;

const added = ['PWD', 'OLDPWD', 'SHLVL', '_'];
const oddVariable = 'TASKYARD_ODD_VARIABLE_';

export interface Between {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** A command with a shell around it that reports how it ended. */
export const withReport = (
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): Between => {
  // Some shells lose variables whose names they could not use themselves. Such a one travels as the value of another,
  // and `env` gets it by a shell's own expansion: visible in lists of processes for no longer than a moment.
  const isOdd = (name: string): boolean => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
  const odd = Object.entries(environment).filter(([name]) => isOdd(name));
  const carriers = odd.map(([name, value], index) => [`${oddVariable}${index}`, `${name}=${value}`] as const);
  const unset = [...added.filter((name) => !(name in environment)), ...carriers.map(([name]) => name)];
  const restored = carriers.map(([name]) => ` "$${name}"`).join('');
  const env = `env ${unset.map((name) => `-u ${name}`).join(' ')}${restored} "$@"`;
  const plain = Object.entries(environment).filter(([name]) => !isOdd(name));
  return {
    argv: ['/bin/sh', '-c', script.replace('"$@"', env), 'sh', ...argv],
    environment: Object.fromEntries([...plain, ...carriers]),
  };
};

// What shells answer for a program that cannot be run.
const exitCodeNotRun = 126;

// Enough for processes that are being killed; a zombie that is never reaped would stay for ever.
const goneRoundsMax = 30;
const goneRoundMs = 10;

/** Whether a process of this group is left, also a zombie. */
const isLeft = (group: number): boolean => {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
};

/** How the command ended: as its shell says. Where that says nothing, it has not ended well. */
export const provenExit = async ({ child, exited }: Spawned, clock: Clock): Promise<CommandExit> => {
  const report = child?.stdio[reportDescriptor] as Readable | undefined;
  let text = '';
  report?.setEncoding('utf8').on('data', (chunk: string) => {
    text = `${text}${chunk}`.slice(0, 16);
  });
  report?.on('error', () => undefined);
  const exit = await exited;
  if (exit.signal === undefined) {
    if (/^\d+\n$/.test(text)) return { exitCode: Number(text) };
    return exit.exitCode === 0 ? { exitCode: exitCodeNotRun } : exit;
  }
  // The shell went without waiting for the command, which was killed with it.
  const group = child?.pid;
  for (let round = 0; group !== undefined && isLeft(group) && round < goneRoundsMax; round++) {
    await clock.sleep(goneRoundMs);
  }
  return exit;
};
