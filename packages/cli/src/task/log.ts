import { ApiError, DownloadError, openArtifact, pause, type Queue, type TaskStatus } from '@taskyard/client';
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

/** Copies the log of a run as far as it goes; returns whether there was one. */
const copyLog = async (
  queue: Queue,
  ref: { taskId: string; runId: number },
  write: Write,
): Promise<boolean> => {
  try {
    const { response } = await openArtifact(queue, { ...ref, name: logName });
    const decoder = new TextDecoder();
    if (response.body)
      for await (const chunk of response.body) await write(decoder.decode(chunk, { stream: true }));
    return true;
  } catch (error) {
    // A run that has just begun has no log yet, and the worker's own address ends with the run.
    if ((error instanceof ApiError && error.statusCode === 404) || error instanceof DownloadError)
      return false;
    throw error;
  }
};

const statusOf = async (queue: Queue, taskId: string): Promise<TaskStatus> =>
  (await queue.status(taskId)).status;

/** Waits until the task has a run after this one that a worker has begun, or is resolved without any. */
const nextRun = async (queue: Queue, taskId: string, after: number): Promise<number | undefined> => {
  for (;;) {
    const status = await statusOf(queue, taskId);
    const run = status.runs.find(({ runId, state }) => runId > after && state !== 'pending');
    if (run) return run.runId;
    if (isResolved(status)) return undefined;
    await pause(pollMs);
  }
};

const followRun = async (
  queue: Queue,
  ref: { taskId: string; runId: number },
  write: Write,
): Promise<void> => {
  for (;;) {
    const isOver = isResolved((await statusOf(queue, ref.taskId)).runs[ref.runId] ?? { state: 'exception' });
    if ((await copyLog(queue, ref, write)) || isOver) return;
    await pause(pollMs);
  }
};

const followTask = async (io: Io, queue: Queue, taskId: string, write: Write): Promise<void> => {
  let runId = await nextRun(queue, taskId, -1);
  while (runId !== undefined) {
    if (runId > 0) remark(io, `--- run ${runId} ---`);
    await followRun(queue, { taskId, runId }, write);
    runId = await nextRun(queue, taskId, runId);
  }
};

const printOnce = async (queue: Queue, ref: { taskId: string; run: number | undefined }, write: Write) => {
  const status = await statusOf(queue, ref.taskId);
  const runId = ref.run ?? status.runs.length - 1;
  if (!(await copyLog(queue, { taskId: ref.taskId, runId }, write))) {
    throw new CommandError(exitCodes.failed, `There is no log yet: the task is ${status.state}.`);
  }
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
        return followRun(queue, { taskId, runId: options.run }, write);
      if (options.follow) return followTask(io, queue, taskId, write);
      return printOnce(queue, { taskId, run: options.run }, write);
    });
