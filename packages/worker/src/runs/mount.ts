import { mkdir } from 'node:fs/promises';
import { placeMounts, type TakenCaches } from '../mounts/index.ts';
import type { TaskDescription } from '../payload/index.ts';
import { Unavailable } from '../unavailable.ts';
import { messageOf } from '../worker-log.ts';
import { placesOf } from './outside.ts';
import { isBrokenTransfer, isPassingFailure } from './passing-failure.ts';
import type { Run } from './run.ts';
import type { CommandsResult } from './run-commands.ts';
import type { TimeLimit } from './time-limit.ts';

/**
 * Places what a task wants in its directory. Returns nothing when that cannot be had, which is the task's failure; throws when
 * that is not the task's fault.
 */
export const mount = async (
  run: Run,
  description: TaskDescription,
  limit: TimeLimit,
): Promise<TakenCaches | undefined> => {
  const { tools, claim, log, privateDirectory, interrupted } = run;
  const { mounts, volumes } = description;
  const places = placesOf(run, description);
  const signal = AbortSignal.any([interrupted, limit.signal]);
  try {
    if (places.outside !== undefined) await mkdir(places.outside, { mode: 0o700 });
    return await placeMounts(tools.mounts, mounts, {
      places,
      privateDirectory,
      access: () => ({ queue: claim.queue(), index: claim.index(), signal }),
      waiting: interrupted,
      begin: limit.begin,
      confine: tools.engine.confine,
      shownAt: (place) => volumes.find((volume) => volume.directory === place)?.path ?? place,
      report: (text) => log.info(text),
    });
  } catch (error) {
    limit.end();
    interrupted.throwIfAborted();
    if (limit.signal.aborted) {
      log.error(`[mounts] The mounts took longer than maxRunTime, which is ${limit.seconds} s.`);
      return undefined;
    }
    if (isPassingFailure(error)) throw error;
    if (isBrokenTransfer(error)) throw new Unavailable(messageOf(error));
    log.error(`[mounts] ${messageOf(error)}`);
    return undefined;
  }
};

/** Gives a task's caches back, or drops them as its payload wants. */
export const giveBack = async (
  { log, tools }: Run,
  used: { caches: TakenCaches; description: TaskDescription; result: CommandsResult | undefined },
): Promise<void> => {
  const { caches, description, result } = used;
  const exitCode = result?.exitCode;
  const isPurged = exitCode !== undefined && description.onExitStatus.purgeCaches.includes(exitCode);
  if (isPurged)
    log.info(`[mounts] The caches are dropped, as the payload wants it after exit code ${exitCode}`);
  try {
    await caches.giveBack(isPurged ? 'purge' : 'keep');
  } catch (error) {
    tools.log.warn({ error: messageOf(error) }, 'a cache could not be put back');
  }
};
