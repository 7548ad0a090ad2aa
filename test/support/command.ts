import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { plainEnvironment } from './platform.ts';

/** How a command ended, and what it said. */
export interface Ended {
  readonly out: string;
  readonly err: string;
  readonly code: number | null;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from its standard input. */
  readonly input?: string;
  /** Called with the process when it has been started. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** Runs a program to its end. Its environment is ours without what would steer the platform. */
export const runProgram = async (
  program: string,
  words: readonly string[],
  { cwd, env = {}, input = '', onStart }: CommandOptions = {},
): Promise<Ended> => {
  const child = spawn(program, words, { cwd, env: { ...plainEnvironment(), ...env } });
  onStart?.(child);
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { out, err, code };
};
