import { seconds } from '../clock.ts';
import { defaultLogNames, type TaskDescription } from '../payload/index.ts';
import { messageOf } from '../worker-log.ts';
import { announce } from './announce.ts';
import type { Run } from './run.ts';

const logType = 'text/plain; charset=utf-8';

// A task that is over by then is seen by nobody while it runs, and what it printed is in the kept log. One that prints
// nothing has little to show.
const printedForMs = 100;
const silentForMs = seconds(1);

const expiryOf = ({ claim }: Run): Date => new Date(claim.task.expires ?? claim.task.deadline);

/** What is read of a description to know how the log is to be seen; a payload that cannot be read has none. */
export type LogSettings = Pick<TaskDescription, 'logs' | 'hasLiveLog' | 'hasBackingLog'>;
export const defaultLogSettings: LogSettings = {
  logs: defaultLogNames,
  hasLiveLog: true,
  hasBackingLog: true,
};

/**
 * Makes the log readable while the task runs, which does not wait for that. `over` aborts when the task has ended: what
 * cannot be read by then need not be shown any more. A task that ends soon costs no call.
 */
export const showLiveLog = async (
  run: Run,
  { logs, hasLiveLog, maxRunTimeSeconds }: LogSettings & Pick<TaskDescription, 'maxRunTimeSeconds'>,
  over: AbortSignal,
): Promise<{ withdraw(): void }> => {
  if (hasLiveLog) await worthShowing(run, over);
  if (!hasLiveLog || over.aborted) return { withdraw: () => undefined };
  const { url, withdraw } = run.tools.liveLogs.publish(run.log);
  const [what, name] = ['The live log', logs.live];
  await announce(run, { what, name, contentType: logType, url, maxRunTimeSeconds, over });
  return { withdraw };
};

/** Waits until a log may have readers, or its task is over. */
const worthShowing = async ({ log, tools: { clock } }: Run, over: AbortSignal): Promise<void> => {
  const printed = log.printed.then(() => clock.sleep(printedForMs, over));
  await Promise.race([printed, clock.sleep(silentForMs, over)]);
};

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
    name: logs.live,
    storageType: 'link',
    contentType: logType,
    expires: expires.toJSON(),
    artifact: logs.backing,
  } as const;
  try {
    await tools.uploads.uploadOwn(claim, file, hasLiveLog ? link : undefined, signal);
  } catch (error) {
    // The result of the task is true all the same, and is reported.
    tools.log.error({ taskId, runId, error: messageOf(error) }, 'the log of the run could not be kept');
  }
};
