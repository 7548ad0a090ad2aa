import { PassThrough, type Writable } from 'node:stream';
import type { TerminalSize } from '@taskyard/client';
import { collectArtifacts } from '../artifacts/index.ts';
import type { HeldClaim } from '../claims/index.ts';
import type { Terminal } from '../engines/index.ts';
import { PublishedLogs, type TaskLog } from '../logs/index.ts';
import type { TaskDescription } from '../payload/index.ts';
import { messageOf } from '../worker-log.ts';
import { shellPlaceOf } from './command-place.ts';
import { foundArtifacts } from './container.ts';
import { writeHeader } from './header.ts';
import { giveBack, mount } from './mount.ts';
import { placesOf } from './outside.ts';
import { readRun } from './read-run.ts';
import { openRun, type Run, type WorkerTools } from './run.ts';
import { type CommandsResult, runCommands } from './run-commands.ts';
import { openSurroundings, type Surroundings } from './surroundings.ts';
import { timeLimit } from './time-limit.ts';

export interface Visit {
  readonly size: TerminalSize;
  /** Lets a person and a shell speak with each other; resolves when they have ended. */
  speak(terminal: Terminal): Promise<void>;
}

export interface HereOptions {
  /** Gets the log as it grows. */
  readonly output: Writable;
  /** A shell is opened for it when the commands have ended. */
  readonly visit?: Visit | undefined;
  /** Ends the task early. */
  readonly signal: AbortSignal;
}

export interface RanHere {
  readonly isCompleted: boolean;
  /** Where the commands ran. It stays until another task is run in the same work directory. */
  readonly directory: string;
}

/** Copies a log while it grows; resolves when it is closed and all of it is copied. */
const echo = async (log: TaskLog, output: Writable): Promise<void> => {
  const logs = new PublishedLogs();
  const { path } = logs.publish(log);
  const copy = new PassThrough();
  copy.pipe(output, { end: false });
  await logs.answer({ method: 'GET', url: path, range: undefined }, () => copy);
};

/** The task without the features whose results only go to the queue. */
const withoutReports = ({ features, ...description }: TaskDescription): TaskDescription => ({
  ...description,
  keepsFigures: false,
  features: { ...features, chainOfTrust: false, interactive: false },
});

/**
 * Runs the commands of a task as a worker would, for the person at this machine, who has the rights for what it wants: scopes
 * are not looked at. Nothing is uploaded, and the directory stays. Rejects only with a fault of this machine.
 */
export const runHere = async (
  tools: WorkerTools,
  claim: HeldClaim,
  { output, visit, signal }: HereOptions,
): Promise<RanHere> => {
  const endings = { shutdown: signal, abandon: signal };
  const run = await openRun(tools, claim, { endings, vacate: () => undefined });
  const echoed = echo(run.log, output);
  writeHeader(run);
  let isCompleted = false;
  try {
    const { description, errors = [] } = readRun(run);
    for (const error of errors) run.log.error(error);
    isCompleted = description !== undefined && (await perform(run, withoutReports(description), visit));
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await run.log.close();
    await echoed;
  }
  return { isCompleted, directory: run.taskDirectory };
};

const perform = async (
  run: Run,
  description: TaskDescription,
  visit: Visit | undefined,
): Promise<boolean> => {
  const limit = timeLimit(run.tools.clock, description.maxRunTimeSeconds);
  const caches = await mount(run, description, limit);
  if (!caches) return false;
  let result: CommandsResult | undefined;
  try {
    const surroundings = await openSurroundings(run, description);
    if (!surroundings) return false;
    try {
      result = await runCommands(run, description, { surroundings, limit });
      const isComplete = await listArtifacts(run, description);
      if (visit) await open(run, { description, surroundings, visit });
      return isComplete && result.resolution.state === 'completed';
    } finally {
      await surroundings.close();
    }
  } finally {
    limit.end();
    await giveBack(run, { caches, description, result });
  }
};

/** Tells which artifacts the task would have; returns whether all are there that must be. */
const listArtifacts = async (run: Run, description: TaskDescription): Promise<boolean> => {
  const { log } = run;
  const { files, missing } = await collectArtifacts(
    placesOf(run, description),
    foundArtifacts(run, description),
  );
  for (const { name } of files) log.info(`Artifact ${name}`);
  for (const { name, message } of missing) log.error(`Artifact ${name}: ${message}`);
  return missing.length === 0;
};

interface Visiting {
  readonly description: TaskDescription;
  readonly surroundings: Surroundings;
  readonly visit: Visit;
}

/** A container for each command has ended with it: the shell gets another, with the same caches and volumes. */
const open = async (run: Run, { description, surroundings, visit }: Visiting): Promise<void> => {
  const { log } = run;
  const { engine } = run.tools;
  const place = shellPlaceOf(run, description, surroundings);
  const keeper = engine.containers
    ? await engine.start({ ...place, argv: ['/bin/sh', '-c', 'sleep 2147483647'] }, log.output)
    : undefined;
  try {
    await log.flushed();
    const terminal = await engine.openTerminal?.(place, visit.size);
    if (terminal) await visit.speak(terminal);
    else log.error('This machine has no way to open a terminal: `script` is missing.');
  } catch (error) {
    log.error(`No shell could be opened: ${messageOf(error)}`);
  } finally {
    keeper?.kill();
    await engine.sweep(run.taskDirectory);
  }
};
