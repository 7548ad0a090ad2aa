/** The size of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/**
 * What passes between a person and the shell of a task, on a stream of bytes. A person begins with a size; a shell ends
 * with an exit code, or with the reason why there is none.
 */
export type TerminalMessage =
  /** What is typed, and what is shown. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | ({ readonly kind: 'size' } & TerminalSize)
  /** Nothing more is typed. */
  | { readonly kind: 'endOfInput' }
  | { readonly kind: 'exit'; readonly exitCode: number }
  | { readonly kind: 'refused'; readonly reason: string };

// Each message: one byte for its kind, four for its length (the highest first), and as many bytes.
const headerBytes = 5;
const bytesKind = 0;
const wordsKind = 1;
const messageBytesMax = 1024 * 1024;

/** A message as it is sent. Bytes must be fewer than a megabyte. */
export const encodeTerminal = (message: TerminalMessage): Buffer => {
  const isBytes = message.kind === 'bytes';
  const content = isBytes ? message.bytes : Buffer.from(JSON.stringify(message));
  const header = Buffer.alloc(headerBytes);
  header.writeUInt8(isBytes ? bytesKind : wordsKind, 0);
  header.writeUInt32BE(content.length, 1);
  return Buffer.concat([header, content]);
};

/** The messages of a stream, however it is cut. Ends with the stream; throws for what is no message. */
export async function* terminalMessages(stream: AsyncIterable<Uint8Array>): AsyncGenerator<TerminalMessage> {
  let held = Buffer.alloc(0);
  for await (const chunk of stream) {
    held = Buffer.concat([held, chunk]);
    for (;;) {
      if (held.length < headerBytes) break;
      const length = held.readUInt32BE(1);
      if (length > messageBytesMax) throw new Error('A message to or from a shell is too long.');
      if (held.length < headerBytes + length) break;
      const content = held.subarray(headerBytes, headerBytes + length);
      yield held[0] === bytesKind
        ? { kind: 'bytes', bytes: content }
        : (JSON.parse(content.toString()) as TerminalMessage);
      held = held.subarray(headerBytes + length);
    }
  }
}
