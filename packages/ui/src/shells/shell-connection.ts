import {
  ApiError,
  encodeTerminal,
  locateArtifact,
  pause,
  shellNames,
  type TerminalMessage,
  terminalMessages,
} from '@taskyard/client/browser';
import { api } from '../session/api.ts';

const pollMs = 500;

const locate = async (taskId: string, runId: number, signal: AbortSignal): Promise<string | undefined> => {
  const { queue } = await api();
  for (const name of shellNames) {
    try {
      return (await locateArtifact(queue, { taskId, runId, name }, signal)).url;
    } catch (error) {
      if (!(error instanceof ApiError) || error.statusCode !== 404) throw error;
    }
  }
  return undefined;
};

/** Where the shells of a run are. Waits until its commands run; the signal ends that. */
export const findShell = async (taskId: string, runId: number, signal: AbortSignal): Promise<string> => {
  for (;;) {
    const url = await locate(taskId, runId, signal);
    if (url !== undefined) return url;
    await pause(pollMs, signal);
  }
};

/**
 * What a socket receives, as it comes; ends with the connection. It listens from this call on: what came, or that the
 * connection ended, before anybody reads is not lost.
 */
const bytesOf = (socket: WebSocket): AsyncIterable<Uint8Array> => {
  const arrived: Uint8Array[] = [];
  let wake = (): void => {};
  let isOver = false;
  socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
    arrived.push(new Uint8Array(data));
    wake();
  };
  socket.onclose = () => {
    isOver = true;
    wake();
  };
  return {
    async *[Symbol.asyncIterator]() {
      for (;;) {
        yield* arrived.splice(0);
        if (arrived.length > 0) continue;
        if (isOver) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
};

/** Opens a socket; resolves with it and with what it receives from its beginning. */
const opened = (
  url: string,
  signal: AbortSignal,
): Promise<{ socket: WebSocket; received: AsyncIterable<Uint8Array> }> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = new WebSocket(url.replace(/^http/, 'ws'));
    socket.binaryType = 'arraybuffer';
    signal.addEventListener('abort', () => socket.close(), { once: true });
    socket.onopen = () => resolve({ socket, received: bytesOf(socket) });
    socket.onclose = () =>
      reject(new Error('The shell cannot be opened: the task has ended, or its worker cannot be reached.'));
  });

/** A shell that the user speaks with. */
export interface ShellConnection {
  readonly messages: AsyncIterable<TerminalMessage>;
  readonly send: (message: TerminalMessage) => void;
}

/** Opens a shell; aborting the signal closes it. Rejects when there is none. */
export const openShell = async (url: string, signal: AbortSignal): Promise<ShellConnection> => {
  const { socket, received } = await opened(url, signal);
  return {
    messages: terminalMessages(received),
    send: (message) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(encodeTerminal(message));
    },
  };
};
