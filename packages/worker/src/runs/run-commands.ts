import { constants } from 'node:os';
import { traced } from '@taskyard/tracing';
import type { CommandExit, RunningCommand } from '../engines/index.ts';
import type { TaskDescription } from '../payload/index.ts';
import { commandPlaceOf } from './command-place.ts';
import { copyArtifactsOut } from './container.ts';
import { offerShells } from './offer-shells.ts';
import { completed, exception, failed, type Resolution } from './resolution.ts';
import type { Run } from './run.ts';
import type { Surroundings } from './surroundings.ts';
import type { TimeLimit } from './time-limit.ts';

/** The result of the commands of a task. */
export interface CommandsResult {
  readonly resolution: Resolution;
  /** Of the last command that ran; as shells have it, 128 + n for one that was ended by signal n. */
  readonly exitCode: number | undefined;
}

const exitCodeOf = ({ exitCode, signal }: CommandExit): number =>
  signal === undefined ? exitCode : 128 + constants.signals[signal];

const quoted = (argument: string): string =>
  /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;

/** Runs a task's commands in order until one fails, the time is over, or the run is interrupted. */
export const runCommands = async (
  run: Run,
  description: TaskDescription,
  { surroundings, limit }: { surroundings: Surroundings; limit: TimeLimit },
): Promise<CommandsResult> => {
  const { tools, log, interrupted, taskDirectory } = run;
  limit.begin();
  const pressure = surroundings.monitor?.pressure;
  const ends = AbortSignal.any([limit.signal, interrupted, ...(pressure ? [pressure] : [])]);
  let exitCode: number | undefined;
  const shells = offerShells(run, description, surroundings);
  try {
    for (const [index, argv] of description.commands.entries()) {
      if (ends.aborted) break;
      exitCode = await tracedCommand(run, { index, argv, description, surroundings, ends });
      if (exitCode !== 0) break;
    }
    if (!interrupted.aborted) await copyArtifactsOut(run, description);
  } finally {
    limit.end();
    await shells?.withdraw();
    await tools.engine.sweep(taskDirectory);
  }
  if (!interrupted.aborted) await surroundings.monitor?.report();
  if (pressure?.aborted) {
    log.error('The machine was running out of memory, and this task had the most of it.');
    return { resolution: failed, exitCode };
  }
  if (limit.signal.aborted) {
    log.error(`The commands ran for longer than maxRunTime, which is ${limit.seconds} s.`);
    return { resolution: failed, exitCode };
  }
  return { resolution: resolutionOf(exitCode, description), exitCode };
};

const resolutionOf = (exitCode: number | undefined, { onExitStatus }: TaskDescription): Resolution => {
  if (exitCode === 0) return completed;
  const isIntermittent = exitCode !== undefined && onExitStatus.retry.includes(exitCode);
  return isIntermittent ? exception('intermittent-task') : failed;
};

interface CommandRun {
  readonly index: number;
  readonly argv: readonly string[];
  readonly description: TaskDescription;
  readonly surroundings: Surroundings;
  readonly ends: AbortSignal;
}

/** The span of a command says which one it is, not its words: they may hold secrets. */
const tracedCommand = (run: Run, command: CommandRun): Promise<number> =>
  traced(
    run.tools.tracing,
    'command',
    { attributes: { 'taskyard.command.index': command.index } },
    async (span) => {
      const exitCode = await runCommand(run, command);
      span?.set({ 'process.exit.code': exitCode });
      if (exitCode !== 0) span?.fail('exit code');
      return exitCode;
    },
  );

const runCommand = async (
  run: Run,
  { argv, description, surroundings, ends }: CommandRun,
): Promise<number> => {
  const { tools, log } = run;
  const startedAt = tools.clock.now();
  log.info(argv.length === 0 ? 'The command of the image' : `$ ${argv.map(quoted).join(' ')}`);
  const command = { ...commandPlaceOf(run, description, surroundings), argv };
  const running = await tools.engine.start(command, log.output);
  const unwatch = surroundings.monitor?.watch(running);
  const exit = await endedBy(run, running, ends);
  unwatch?.();
  const elapsedSeconds = (tools.clock.now().getTime() - startedAt.getTime()) / 1000;
  const how = exit.signal === undefined ? `exit code ${exit.exitCode}` : `ended by ${exit.signal}`;
  log.info(`${how[0]?.toUpperCase()}${how.slice(1)} after ${elapsedSeconds.toFixed(1)} s`);
  return exitCodeOf(exit);
};

/** Waits for a command, which is ended when the signal aborts. */
const endedBy = async (run: Run, running: RunningCommand, ends: AbortSignal): Promise<CommandExit> => {
  const exited = running.wait();
  const end = (): void => void endCommand(run, running, exited);
  ends.addEventListener('abort', end, { once: true });
  if (ends.aborted) end();
  try {
    return await exited;
  } finally {
    ends.removeEventListener('abort', end);
  }
};

// A task whose claim is lost may already run elsewhere, so it gets no grace period.
const endCommand = async (
  { tools, claim }: Run,
  running: RunningCommand,
  exited: Promise<CommandExit>,
): Promise<void> => {
  if (!claim.lost.aborted) {
    running.terminate();
    const over = new AbortController();
    await Promise.race([
      exited,
      tools.clock.sleep(tools.killGraceMs, AbortSignal.any([over.signal, claim.lost])),
    ]);
    over.abort();
  }
  running.kill();
};
