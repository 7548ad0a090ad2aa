import type { Engine } from './engine.ts';
import { findProgram } from './find-program.ts';
import { provenExit, withReport } from './proven-exit.ts';
import { chooseShell, openScriptTerminal } from './script-terminal.ts';
import { type Spawning, spawnLeader } from './spawned.ts';
import { killStrays, Strangers } from './strays.ts';

/**
 * Runs each command as a process group of its own, as the worker's user: apart from other tasks by its
 * directory and environment, but free to read what that user can read.
 */
export const processEngine = (
  spawning: Spawning,
  { path, script, runs }: { path: string; script: string | undefined; runs: string },
): Engine => {
  // Covers the moment before the watchdog knows the group: the kernel itself kills the leader with the worker.
  const setpriv = findProgram('setpriv', path);
  const tied = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--'];
  const strangers = new Strangers(runs, spawning.clock);
  return {
    name: 'process',
    start: async (command, output) => {
      const between = withReport([...tied, ...command.argv], command.environment);
      const [program = '', ...args] = [...tied, ...between.argv];
      const launch = { program, args, environment: between.environment, extraPipes: 1 };
      const leader = await spawnLeader(spawning, { command, output, launch });
      const exited = provenExit(leader, spawning.clock);
      return {
        wait: () => exited,
        usage: leader.usage,
        terminate: () => leader.signal('SIGTERM'),
        kill: () => leader.signal('SIGKILL'),
      };
    },
    openTerminal:
      script === undefined
        ? undefined
        : ({ directory, environment }, size) =>
            openScriptTerminal(spawning, { script, line: chooseShell, directory, environment, size }),
    sweep: async (directory) => void (await killStrays(directory, { clock: spawning.clock, strangers })),
    close: () => {
      spawning.watchdog.close();
      spawning.pipes.close();
    },
  };
};
