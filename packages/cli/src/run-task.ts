import type { Visit, WorkerConfig } from '@taskyard/worker';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from './connected.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { type Io, remark, sayJson } from './io.ts';
import { atKeyboard, send, sizeOf } from './keyboard.ts';

interface RunTaskOptions extends ConnectedOptions {
  readonly shell?: true;
  readonly engine?: string;
  readonly workDir: string;
}

// What a terminal takes for the end of what is typed.
const endOfInput = Buffer.from('\x04');

/** A shell for the person who runs this command. */
const visitOf = (io: Io): Visit => ({
  size: sizeOf(io.stdout),
  speak: async (terminal) => {
    const typist = {
      typed: (bytes: Uint8Array) => send(terminal.keys, bytes),
      ended: () => send(terminal.keys, endOfInput),
      resized: terminal.resize,
    };
    await atKeyboard(io, typist, async () => {
      for await (const chunk of terminal.screen as AsyncIterable<Buffer>) await send(io.stdout, chunk);
      await terminal.wait();
    });
  },
});

const runTask = async (io: Io, taskId: string, options: RunTaskOptions): Promise<boolean> => {
  const { readWorkerConfig, runTaskHere } = await import('@taskyard/worker');
  const { rootUrl, credentials } = serverOf(io, options);
  if (!credentials)
    throw new CommandError(
      exitCodes.usage,
      'Running a task takes credentials: what it fetches is signed by them.',
    );
  const { clientId, accessToken, certificate } = credentials;
  const given = {
    rootUrl,
    clientId,
    accessToken,
    certificate: typeof certificate === 'object' ? JSON.stringify(certificate) : certificate,
    taskQueueId: 'this-machine/run-task',
    provider: 'none',
    workDir: options.workDir,
    engine: options.engine,
  } as Partial<WorkerConfig>;
  const ending = new AbortController();
  const stopListening = io.onInterrupt(() => ending.abort());
  try {
    const { isCompleted, directory } = await runTaskHere(readWorkerConfig(given), taskId, {
      output: options.json ? io.stderr : io.stdout,
      visit: options.shell && visitOf(io),
      signal: ending.signal,
    });
    if (options.json) sayJson(io, { isCompleted, directory });
    else remark(io, `The directory of the task: ${directory}`);
    return isCompleted;
  } finally {
    stopListening();
  }
};

/** `taskyard worker run-task <taskId>` */
export const runTaskCommand = (io: Io): Command =>
  connectedCommand('run-task')
    .description(
      'Run the commands of a task on this machine as a worker would, report nothing, and keep its directory.',
    )
    .argument('<taskId>')
    .option('--shell', 'open a shell in its directory when the commands have ended')
    .option('--engine <name>', 'process, bubblewrap, docker or auto (default: auto)')
    .option(
      '--work-dir <path>',
      'where its directory is kept until the next task is run there',
      '.taskyard-task',
    )
    .action(async (taskId: string, options: RunTaskOptions) => {
      if (!(await runTask(io, taskId, options))) io.setExitCode(exitCodes.failed);
    });
