import { uploadFile } from '../artifacts/index.ts';
import { earliest, later, minutes, seconds } from '../clock.ts';
import { defaultLogNames, type TaskDescription } from '../payload/index.ts';
import { messageOf } from '../worker-log.ts';
import type { Run } from './run.ts';

const logType = 'text/plain; charset=utf-8';

// How long the live log stays promised after the commands must have ended: time for artifacts and the rest.
const afterMaxRunTimeMs = minutes(15);

// The task does not wait long for somebody to be able to watch it.
const liveLogGiveUpMs = seconds(10);
const backingLogGiveUpMs = minutes(3);

const expiryOf = ({ claim }: Run): Date => new Date(claim.task.expires ?? claim.task.deadline);

/** What is read of a description to know how the log is to be seen; a payload that cannot be read has none. */
export type LogSettings = Pick<TaskDescription, 'logs' | 'hasLiveLog' | 'hasBackingLog'>;
export const defaultLogSettings: LogSettings = {
  logs: defaultLogNames,
  hasLiveLog: true,
  hasBackingLog: true,
};

/**
 * Makes the log readable while the task runs, which does not wait for that. A failure to do so is only a line in the log.
 * `over` aborts when the task has ended: what cannot be read by then need not be shown any more.
 */
export const showLiveLog = async (
  run: Run,
  { logs, hasLiveLog, maxRunTimeSeconds }: LogSettings & Pick<TaskDescription, 'maxRunTimeSeconds'>,
  over: AbortSignal,
): Promise<{ withdraw(): void }> => {
  const { tools, claim, log, interrupted } = run;
  if (!hasLiveLog) return { withdraw: () => undefined };
  const { url: shown, withdraw } = tools.liveLogs.publish(log);
  const url = await before(over, shown).catch((error) => {
    log.error(`The live log cannot be shown: ${messageOf(error)}`);
    return undefined;
  });
  if (url === undefined) return { withdraw };
  const end = later(tools.clock.now(), seconds(maxRunTimeSeconds) + afterMaxRunTimeMs);
  const body = {
    storageType: 'reference',
    contentType: logType,
    expires: earliest(end, expiryOf(run)).toJSON(),
    url,
  } as const;
  try {
    const { taskId, runId } = claim;
    await claim.call((queue) => queue.createArtifact(taskId, runId, logs.live, body), {
      signal: interrupted,
      giveUpAfterMs: liveLogGiveUpMs,
    });
  } catch (error) {
    log.error(`The live log cannot be shown: ${messageOf(error)}`);
  }
  return { withdraw };
};

/** The value of a promise; undefined when the signal aborts before. */
const before = <T>(signal: AbortSignal, promise: Promise<T>): Promise<T | undefined> =>
  new Promise((resolve, reject) => {
    promise.then(resolve, reject);
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });

/** Uploads the finished log, and lets the live log's name lead to it from now on. */
export const keepLog = async (run: Run, { logs, hasLiveLog, hasBackingLog }: LogSettings): Promise<void> => {
  const { claim, log, endings, tools } = run;
  if (!hasBackingLog) return;
  const { taskId, runId } = claim;
  const expires = expiryOf(run);
  const signal = AbortSignal.any([claim.lost, endings.abandon]);
  if (log.failure) {
    tools.log.error({ taskId, runId, error: messageOf(log.failure) }, 'the log of the run is incomplete');
  }
  const file = {
    name: logs.backing,
    path: log.path,
    expires,
    contentType: logType,
    contentEncoding: 'gzip',
  } as const;
  const link = {
    storageType: 'link',
    contentType: logType,
    expires: expires.toJSON(),
    artifact: logs.backing,
  } as const;
  try {
    await uploadFile(claim, file, signal);
    if (!hasLiveLog) return;
    await claim.call((queue) => queue.createArtifact(taskId, runId, logs.live, link), {
      signal,
      giveUpAfterMs: backingLogGiveUpMs,
    });
  } catch (error) {
    // The result of the task is true all the same, and is reported.
    tools.log.error({ taskId, runId, error: messageOf(error) }, 'the log of the run could not be kept');
  }
};
