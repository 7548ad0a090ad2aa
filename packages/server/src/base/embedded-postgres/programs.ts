import { type SpawnOptions, spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';

/** PostgreSQL gets no variable of ours: they may hold secrets, and its behaviour must not depend on them. */
export const cleanEnvironment: NodeJS.ProcessEnv = { LC_ALL: 'C', TZ: 'UTC' };

export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program to its end; returns its exit code and all that it wrote. A program that cannot start has code null. */
export const runProgram = (command: readonly string[], options: SpawnOptions = {}): Promise<Outcome> =>
  new Promise((resolve) => {
    const [program = '', ...args] = command;
    const child = spawn(program, args, {
      ...options,
      env: cleanEnvironment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (text: string) => {
      output += text;
    };
    child.stdout?.setEncoding('utf8').on('data', collect);
    child.stderr?.setEncoding('utf8').on('data', collect);
    child.on('error', (error) => resolve({ code: null, output: error.message }));
    child.on('close', (code) => resolve({ code, output: output.trim() }));
  });

// Not the PATH of the environment: only the system's own tools are wanted here.
const systemFolders = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'];

/** The full path of one of the system's own programs, or undefined. */
export const findProgram = async (name: string): Promise<string | undefined> => {
  for (const folder of systemFolders) {
    const path = join(folder, name);
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
};
