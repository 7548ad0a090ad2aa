import { once } from 'node:events';
import type { Duplex, Writable } from 'node:stream';
import { encodeTerminal, type TerminalMessage, type TerminalSize, terminalMessages } from '@taskyard/client';
import type { Terminal } from '../engines/index.ts';
import { messageOf } from '../worker-log.ts';

export type OpenTerminal = (size: TerminalSize) => Promise<Terminal>;

// What a terminal takes for the end of what is typed.
const endOfInput = '\x04';
const sideMax = 1000;

const sizeIn = (message: TerminalMessage | undefined): TerminalSize | undefined => {
  if (message?.kind !== 'size') return undefined;
  const { columns, rows } = message;
  const isSize = [columns, rows].every((side) => Number.isInteger(side) && side >= 1 && side <= sideMax);
  return isSize ? { columns, rows } : undefined;
};

/** Writes, and waits until there is room for more. */
const send = async (stream: Writable, bytes: Uint8Array | string): Promise<void> => {
  if (stream.destroyed || stream.write(bytes)) return;
  const over = new AbortController();
  const { signal } = over;
  await Promise.race([once(stream, 'drain', { signal }), once(stream, 'close', { signal })]).catch(
    () => undefined,
  );
  over.abort();
};

const show = async (terminal: Terminal, stream: Duplex): Promise<void> => {
  for await (const chunk of terminal.screen as AsyncIterable<Buffer>) {
    await send(stream, encodeTerminal({ kind: 'bytes', bytes: chunk }));
  }
};

const type = async (terminal: Terminal, messages: AsyncIterable<TerminalMessage>): Promise<void> => {
  for await (const message of messages) {
    const size = sizeIn(message);
    if (size) terminal.resize(size);
    else if (message.kind === 'bytes') await send(terminal.keys, Buffer.from(message.bytes));
    else if (message.kind === 'endOfInput') await send(terminal.keys, endOfInput);
  }
};

/**
 * Lets one person and one shell speak with each other on a stream, until the shell ends, the person goes, or `over` aborts.
 * Never rejects.
 */
export const converse = async (
  stream: Duplex,
  { open, over }: { open: OpenTerminal; over: AbortSignal },
): Promise<void> => {
  stream.on('error', () => undefined);
  const messages = terminalMessages(stream.iterator({ destroyOnReturn: false }));
  // Before the first message there is no shell to end, only the connection.
  let end = (): void => void stream.destroy();
  const leave = (): void => end();
  over.addEventListener('abort', leave, { once: true });
  try {
    const { value: first } = await messages.next();
    const size = sizeIn(first as TerminalMessage | undefined);
    if (!size) throw new Error('A person begins with the size of the terminal.');
    over.throwIfAborted();
    const terminal = await open(size);
    end = () => terminal.kill();
    if (over.aborted) end();
    // When the person leaves, or the connection breaks, the shell ends.
    void type(terminal, messages).then(leave, leave);
    await show(terminal, stream).catch(() => undefined);
    await send(stream, encodeTerminal({ kind: 'exit', exitCode: await terminal.wait() }));
  } catch (error) {
    await send(stream, encodeTerminal({ kind: 'refused', reason: messageOf(error) }));
  }
  over.removeEventListener('abort', leave);
  stream.end();
};
