import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { TerminalSize } from '@taskyard/client';
import type { Io, Output } from './io.ts';

const sizeDefault: TerminalSize = { columns: 80, rows: 24 };

/** The size of the terminal behind an output. */
export const sizeOf = ({ columns = sizeDefault.columns, rows = sizeDefault.rows }: Output): TerminalSize => ({
  columns,
  rows,
});

/** Writes, and waits until there is room for more. */
export const send = async (to: Writable, bytes: Uint8Array): Promise<void> => {
  if (!to.destroyed && !to.write(bytes)) await once(to, 'drain');
};

export interface Typist {
  typed(bytes: Uint8Array): Promise<void>;
  /** Nothing more is typed. */
  ended(): Promise<void>;
  resized(size: TerminalSize): void;
}

const handOn = async (stdin: Readable, typist: Typist): Promise<void> => {
  for await (const chunk of stdin) await typist.typed(Buffer.from(chunk as string));
  await typist.ended();
};

/** Hands each key on, Ctrl-C too, while `act` lasts. Nothing can be read from standard input after that. */
export const atKeyboard = async <T>(
  { stdin, stdout }: Pick<Io, 'stdin' | 'stdout'>,
  typist: Typist,
  act: () => Promise<T>,
): Promise<T> => {
  const keyboard = stdin as Readable & { isTTY?: boolean; setRawMode?(isRaw: boolean): void };
  const resized = () => typist.resized(sizeOf(stdout));
  stdout.on('resize', resized);
  if (keyboard.isTTY) keyboard.setRawMode?.(true);
  // What is typed after the shell has ended cannot be sent, and is dropped.
  handOn(stdin, typist).catch(() => undefined);
  try {
    return await act();
  } finally {
    if (keyboard.isTTY) keyboard.setRawMode?.(false);
    stdout.off('resize', resized);
    stdin.destroy();
  }
};
