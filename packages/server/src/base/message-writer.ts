/** Memory is taken in pieces of this many bytes, since many small ones cost more. */
const pieceBytes = 32 * 1024;
/** A text of at most this many characters is given the room of the longest encoding instead of being measured first. */
const shortTextMax = 1024;

const mostBytesOf = (text: string): number =>
  text.length <= shortTextMax ? text.length * 3 : Buffer.byteLength(text);

/** Writes numbers and texts one after the other, as PostgreSQL's protocol wants them, into memory that grows. */
export class MessageWriter {
  #memory = Buffer.alloc(0);
  #start = 0;
  #at = 0;

  /** The number of bytes since {@link take}. */
  get length(): number {
    return this.#at - this.#start;
  }

  byte(value: number): void {
    this.#makeRoom(1);
    this.#memory[this.#at++] = value;
  }

  int16(value: number): void {
    this.#makeRoom(2);
    this.#at = this.#memory.writeInt16BE(value, this.#at);
  }

  int32(value: number): void {
    this.#makeRoom(4);
    this.#at = this.#memory.writeInt32BE(value, this.#at);
  }

  /** An integer of eight bytes; a safe one. */
  int64(value: number): void {
    const high = Math.floor(value / 2 ** 32);
    this.int32(high);
    this.int32((value - high * 2 ** 32) | 0);
  }

  float64(value: number): void {
    this.#makeRoom(8);
    this.#at = this.#memory.writeDoubleBE(value, this.#at);
  }

  bytes(value: Uint8Array): void {
    this.#makeRoom(value.length);
    this.#memory.set(value, this.#at);
    this.#at += value.length;
  }

  text(value: string): void {
    this.#makeRoom(mostBytesOf(value));
    this.#at += this.#memory.write(value, this.#at);
  }

  /** A text after its length in bytes. */
  measuredText(value: string): void {
    this.#makeRoom(4 + mostBytesOf(value));
    const bytes = this.#memory.write(value, this.#at + 4);
    this.#memory.writeInt32BE(bytes, this.#at);
    this.#at += 4 + bytes;
  }

  /** A text that ends with a zero. */
  zeroEnded(value: string): void {
    this.text(value);
    this.byte(0);
  }

  /** What `write` writes, after its length in bytes; that counts its own four bytes as well where the protocol does so. */
  measured(write: () => void, { countsItself = false } = {}): void {
    const place = this.length;
    this.int32(0);
    write();
    const bytes = this.length - place - (countsItself ? 0 : 4);
    this.#memory.writeInt32BE(bytes, this.#start + place);
  }

  /** Forgets everything after the first `length` bytes. */
  rewind(length: number): void {
    this.#at = this.#start + length;
  }

  /** What was written since the last time. It is not written to again. */
  take(): Uint8Array {
    const taken = this.#memory.subarray(this.#start, this.#at);
    if (this.#memory.length > pieceBytes) {
      // What a large message needed is not kept.
      this.#memory = Buffer.alloc(0);
      this.#at = 0;
    }
    this.#start = this.#at;
    return taken;
  }

  #makeRoom(bytes: number): void {
    if (this.#memory.length - this.#at >= bytes) return;
    const { length } = this;
    const larger = Buffer.allocUnsafeSlow(Math.max(pieceBytes, 2 * (length + bytes)));
    this.#memory.copy(larger, 0, this.#start, this.#at);
    this.#memory = larger;
    this.#start = 0;
    this.#at = length;
  }
}
