import type { Duplex } from 'node:stream';
import {
  ApiError,
  encodeTerminal,
  locateArtifact,
  pause,
  type Queue,
  shellNames,
  type TerminalMessage,
  type TerminalSize,
  terminalMessages,
} from '@taskyard/client';
import type { Command } from 'commander';
import { createWebSocketStream, WebSocket } from 'ws';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { wholeNumber } from '../input.ts';
import { type Io, remark, sayJson } from '../io.ts';
import { atKeyboard, send, sizeOf } from '../keyboard.ts';

const pollMs = 300;
const openWithinMs = 15_000;

interface ShellOptions extends ConnectedOptions {
  readonly run?: number;
}

const requireInteractive = async (queue: Queue, taskId: string): Promise<void> => {
  const { payload } = await queue.task(taskId);
  const { features } = payload as { features?: { interactive?: unknown } };
  if (features?.interactive !== true)
    throw new CommandError(
      exitCodes.failed,
      'This task has no shells: its payload needs features.interactive.',
    );
};

const addressOf = async (queue: Queue, taskId: string, runId: number): Promise<string | undefined> => {
  for (const name of shellNames) {
    try {
      return (await locateArtifact(queue, { taskId, runId, name })).url;
    } catch (error) {
      if (!(error instanceof ApiError) || error.statusCode !== 404) throw error;
    }
  }
  return undefined;
};

/** Waits until the commands of a task run, and returns where its shells are. */
const findShell = async (io: Io, queue: Queue, taskId: string, run?: number): Promise<string> => {
  await requireInteractive(queue, taskId);
  for (let tries = 0; ; tries++) {
    const { status } = await queue.status(taskId);
    const runId = run ?? status.runs.length - 1;
    const state = status.runs[runId]?.state ?? status.state;
    if (!['unscheduled', 'pending', 'running'].includes(state))
      throw new CommandError(
        exitCodes.failed,
        `A task has shells while its commands run, and this one is ${state}.`,
      );
    const url = state === 'running' ? await addressOf(queue, taskId, runId) : undefined;
    if (url !== undefined) return url;
    if (tries === 0) remark(io, 'Waiting for the commands of the task to run');
    await pause(pollMs);
  }
};

const open = async (url: string): Promise<Duplex> => {
  const options = { perMessageDeflate: false, handshakeTimeout: openWithinMs };
  const socket = new WebSocket(url.replace(/^http/, 'ws'), options);
  const stream = createWebSocketStream(socket);
  await new Promise<void>((resolve, reject) => {
    const refuse = (why: string) =>
      reject(new CommandError(exitCodes.failed, `The shell cannot be opened: ${why}`));
    socket.once('open', resolve);
    socket.once('unexpected-response', (request, { statusCode }) => {
      request.destroy();
      refuse(statusCode === 404 ? 'the task has just ended' : `the server answered ${statusCode}`);
    });
    stream.on('error', (error) => refuse(error.message));
  });
  return stream;
};

const show = async (io: Io, stream: Duplex): Promise<number> => {
  for await (const message of terminalMessages(stream as AsyncIterable<Uint8Array>)) {
    if (message.kind === 'bytes') await send(io.stdout, message.bytes);
    else if (message.kind === 'exit') return message.exitCode;
    else if (message.kind === 'refused')
      throw new CommandError(exitCodes.failed, `The shell cannot be opened: ${message.reason}`);
  }
  throw new CommandError(
    exitCodes.failed,
    'The connection broke off: the task has ended, or its worker has gone.',
  );
};

/** Hands on what is typed and shown, until the shell ends; returns its exit code. */
const speak = async (io: Io, stream: Duplex): Promise<number> => {
  const tell = (message: TerminalMessage) => send(stream, encodeTerminal(message));
  await tell({ kind: 'size', ...sizeOf(io.stdout) });
  const typist = {
    typed: (bytes: Uint8Array) => tell({ kind: 'bytes', bytes }),
    ended: () => tell({ kind: 'endOfInput' }),
    resized: (size: TerminalSize) => void tell({ kind: 'size', ...size }),
  };
  return atKeyboard(io, typist, () => show(io, stream)).finally(() => stream.destroy());
};

/** `taskyard task shell <taskId>` */
export const shellCommand = (io: Io): Command =>
  connectedCommand('shell')
    .description('Open a shell in a task that runs, if its payload has features.interactive.')
    .argument('<taskId>')
    .option('--run <runId>', 'of this run; by default of the latest', wholeNumber)
    .action(async (taskId: string, options: ShellOptions) => {
      const url = await findShell(io, queueOf(io, options), taskId, options.run);
      if (options.json) return sayJson(io, { url });
      io.setExitCode(await speak(io, await open(url)));
    });
