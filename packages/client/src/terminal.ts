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

/** The artifacts that lead to shells of a task, by the format of its payload. */
export const shellNames = ['private/generic-worker/shell.html', 'private/docker-worker/shell.html'] as const;

/** A message as it is sent. Bytes must be fewer than a megabyte. */
export const encodeTerminal = (message: TerminalMessage): Uint8Array<ArrayBuffer> => {
  const isBytes = message.kind === 'bytes';
  const content = isBytes ? message.bytes : new TextEncoder().encode(JSON.stringify(message));
  const encoded = new Uint8Array(headerBytes + content.length);
  encoded[0] = isBytes ? bytesKind : wordsKind;
  new DataView(encoded.buffer).setUint32(1, content.length);
  encoded.set(content, headerBytes);
  return encoded;
};

const joined = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
};

/** The messages of a stream, however it is cut. Ends with the stream; throws for what is no message. */
export async function* terminalMessages(stream: AsyncIterable<Uint8Array>): AsyncGenerator<TerminalMessage> {
  let held: Uint8Array = new Uint8Array();
  for await (const chunk of stream) {
    held = joined(held, chunk);
    while (held.length >= headerBytes) {
      const length = new DataView(held.buffer, held.byteOffset).getUint32(1);
      if (length > messageBytesMax) throw new Error('A message to or from a shell is too long.');
      if (held.length < headerBytes + length) break;
      const content = held.subarray(headerBytes, headerBytes + length);
      yield held[0] === bytesKind
        ? { kind: 'bytes', bytes: content }
        : (JSON.parse(new TextDecoder().decode(content)) as TerminalMessage);
      held = held.subarray(headerBytes + length);
    }
  }
}
