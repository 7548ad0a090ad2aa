import {
  ApiError,
  ConnectionError,
  DownloadError,
  locateArtifact,
  openSource,
  pause,
  type Queue,
  type TaskStatus,
} from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { wholeNumber } from '../input.ts';
import { type Io, remark, sayJsonLine } from '../io.ts';

const logName = 'public/logs/live.log';
const pollMs = 300;

interface LogOptions extends ConnectedOptions {
  readonly follow?: true;
  readonly run?: number;
}

type Write = (text: string) => Promise<void>;

const isResolved = ({ state }: { state: string }): boolean =>
  !['unscheduled', 'pending', 'running'].includes(state);

/** A run, and what has been printed of its log: a connection that broke is taken up there. */
interface LogReading {
  readonly taskId: string;
  readonly runId: number;
  bytes: number;
  readonly decoder: InstanceType<typeof TextDecoder>;
}

const readingOf = (taskId: string, runId: number): LogReading => ({
  taskId,
  runId,
  bytes: 0,
  decoder: new TextDecoder(),
});

/** Opens the log where its reading has come to; returns how many bytes of what comes are known already. */
const openLog = async (
  queue: Queue,
  { taskId, runId, bytes }: LogReading,
): Promise<{ body: Response['body']; knownBytes: number }> => {
  const source = await locateArtifact(queue, { taskId, runId, name: logName });
  const url = new URL(source.url);
  // Those who show live logs begin where they are asked to, and say so; everybody else begins at the start.
  if (source.storageType === 'reference' && bytes > 0) url.searchParams.set('from', String(bytes));
  const { body, headers } = await openSource({ ...source, url: url.href });
  return { body, knownBytes: bytes - Number(headers.get('x-log-offset') ?? 0) };
};

/** Copies the log of a run as far as it goes: all of it, a part before the connection broke, or nothing as there is none. */
const copyLog = async (queue: Queue, log: LogReading, write: Write): Promise<'whole' | 'cut' | 'none'> => {
  try {
    let { body, knownBytes } = await openLog(queue, log);
    for await (const chunk of body ?? []) {
      const fresh = chunk.subarray(knownBytes);
      knownBytes = Math.max(0, knownBytes - chunk.length);
      log.bytes += fresh.length;
      await write(log.decoder.decode(fresh, { stream: true }));
    }
    return 'whole';
  } catch (error) {
    // A run that has just begun has no log yet, and the worker's own address ends with the run.
    if ((error instanceof ApiError && error.statusCode === 404) || error instanceof DownloadError)
      return 'none';
    // The way that `fetch` says that a body has ended before its end.
    if (error instanceof TypeError) return 'cut';
    throw error;
  }
};

const statusOf = async (queue: Queue, taskId: string): Promise<TaskStatus> =>
  (await queue.status(taskId)).status;

// With the client's own attempts, a server may be away for some minutes while somebody follows a log.
const reconnectsMax = 30;

/** The queue of one who waits: calls outlive a restart of the server. */
const patient = async <T>(call: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ConnectionError) || tries === reconnectsMax) throw error;
      await pause(pollMs);
    }
  }
};

/** Waits until the task has a run after this one that a worker has begun, or is resolved without any. */
const nextRun = async (queue: Queue, taskId: string, after: number): Promise<number | undefined> => {
  for (;;) {
    const status = await patient(() => statusOf(queue, taskId));
    const run = status.runs.find(({ runId, state }) => runId > after && state !== 'pending');
    if (run) return run.runId;
    if (isResolved(status)) return undefined;
    await pause(pollMs);
  }
};

const followRun = async (queue: Queue, log: LogReading, write: Write): Promise<void> => {
  for (;;) {
    const { runs } = await patient(() => statusOf(queue, log.taskId));
    const isOver = isResolved(runs[log.runId] ?? { state: 'exception' });
    const copied = await patient(() => copyLog(queue, log, write));
    if (copied === 'whole' || (copied === 'none' && isOver)) return;
    await pause(pollMs);
  }
};

const followTask = async (io: Io, queue: Queue, taskId: string, write: Write): Promise<void> => {
  let runId = await nextRun(queue, taskId, -1);
  while (runId !== undefined) {
    if (runId > 0) remark(io, `--- run ${runId} ---`);
    await followRun(queue, readingOf(taskId, runId), write);
    runId = await nextRun(queue, taskId, runId);
  }
};

const printOnce = async (queue: Queue, ref: { taskId: string; run: number | undefined }, write: Write) => {
  const status = await statusOf(queue, ref.taskId);
  const runId = ref.run ?? status.runs.length - 1;
  const copied = await copyLog(queue, readingOf(ref.taskId, runId), write);
  if (copied === 'none')
    throw new CommandError(exitCodes.failed, `There is no log yet: the task is ${status.state}.`);
  if (copied === 'cut')
    throw new CommandError(exitCodes.failed, 'The log broke off. Use --follow to read on.');
};

/** `taskyard task log <taskId>` */
export const logCommand = (io: Io): Command =>
  connectedCommand('log')
    .description("Print a task's log.")
    .argument('<taskId>')
    .option('-f, --follow', 'wait for the task to begin, and print until it is resolved, retries included')
    .option('--run <runId>', 'of this run; by default of the latest', wholeNumber)
    .action(async (taskId: string, options: LogOptions) => {
      const queue = queueOf(io, options);
      const write: Write = (text) =>
        new Promise((resolve) => {
          if (options.json) sayJsonLine(io, { text });
          else if (!io.stdout.write(text)) return void io.stdout.once('drain', resolve);
          resolve();
        });
      if (options.follow && options.run !== undefined)
        return followRun(queue, readingOf(taskId, options.run), write);
      if (options.follow) return followTask(io, queue, taskId, write);
      return printOnce(queue, { taskId, run: options.run }, write);
    });
