const magic = 0xfd_2f_b5_28;
const isSkippable = (number: number): boolean => number >>> 4 === 0x1_84_d2_a5;

/** Bytes at the beginning of a frame that contain all that its header says. */
const headerBytesMax = 18;

interface Header {
  readonly bytes: number;
  readonly windowBytes: number;
  readonly hasChecksum: boolean;
}

/** Reads the header of a frame (RFC 8878), from its first 18 bytes, or from all where there are fewer. */
const headerOf = (bytes: Buffer): Header => {
  const flags = bytes[4] ?? 0;
  const [isSingle, hasChecksum] = [(flags & 0x20) !== 0, (flags & 0x04) !== 0];
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  const sizeAt = (isSingle ? 5 : 6) + dictionaryBytes;
  const descriptor = bytes[5] ?? 0;
  const base = 2 ** (10 + (descriptor >> 3));
  const windowBytes = isSingle
    ? littleEndian(bytes.subarray(sizeAt, sizeAt + sizeBytes)) + (sizeBytes === 2 ? 256 : 0)
    : base + (base / 8) * (descriptor & 7);
  return { bytes: sizeAt + sizeBytes, windowBytes, hasChecksum };
};

const littleEndian = (bytes: Buffer): number => bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);

/**
 * Watches the compressed bytes of Zstandard on their way, in pieces of any size, and throws before a frame is handed on
 * with a window of more than this many bytes: decompressing it would take that much memory at once.
 */
export class FrameWatch {
  readonly #windowBytesMax: number;
  /** Where the next bytes that matter are awaited. */
  #await: 'frame' | 'block' = 'frame';
  #skip = 0;
  #hasChecksum = false;
  #held: Buffer = Buffer.alloc(0);

  constructor(windowBytesMax: number) {
    this.#windowBytesMax = windowBytesMax;
  }

  look(piece: Buffer): void {
    let bytes = this.#held.length > 0 ? Buffer.concat([this.#held, piece]) : piece;
    for (;;) {
      const skipped = Math.min(this.#skip, bytes.length);
      this.#skip -= skipped;
      bytes = bytes.subarray(skipped);
      if (bytes.length < (this.#await === 'frame' ? headerBytesMax : 3)) break;
      if (this.#await === 'frame') this.#enterFrame(bytes);
      else this.#enterBlock(bytes.readUIntLE(0, 3));
    }
    this.#held = Buffer.from(bytes);
  }

  /** To be called at the end of the bytes: a frame may be shorter than the longest header. */
  end(): void {
    this.look(Buffer.alloc(headerBytesMax));
  }

  #enterFrame(bytes: Buffer): void {
    const number = bytes.readUInt32LE(0);
    if (isSkippable(number)) {
      this.#skip = 8 + bytes.readUInt32LE(4);
      return;
    }
    if (number !== magic) {
      // Nothing can be told of what follows; the decompressor refuses it.
      this.#skip = Number.POSITIVE_INFINITY;
      return;
    }
    const header = headerOf(bytes);
    if (header.windowBytes > this.#windowBytesMax) {
      const mebibytes = Math.ceil(header.windowBytes / 2 ** 20);
      throw new Error(
        `it takes ${mebibytes} MiB of memory, more than the ${this.#windowBytesMax / 2 ** 20} MiB that a worker without the ` +
          'program zstd spends on it',
      );
    }
    this.#hasChecksum = header.hasChecksum;
    this.#skip = header.bytes;
    this.#await = 'block';
  }

  #enterBlock(header: number): void {
    const [isLast, type, size] = [(header & 1) !== 0, (header >> 1) & 3, header >> 3];
    // A block of the second type is one byte that is repeated.
    this.#skip = 3 + (type === 1 ? 1 : size);
    if (!isLast) return;
    if (this.#hasChecksum) this.#skip += 4;
    this.#await = 'frame';
  }
}
