import type { Reading } from '../base/index.ts';
import { closeCodes } from './tunnel.ts';

const reasonOf = new Map<number, string>(Object.entries(closeCodes).map(([reason, code]) => [code, reason]));

const readingsOf = (counts: ReadonlyMap<string, number>): Reading[] =>
  [...counts].map(([label, value]) => ({ labels: [label], value }));

const addTo = (counts: Map<string, number>, label: string): void => {
  counts.set(label, (counts.get(label) ?? 0) + 1);
};

/** What has become of the tunnels and viewers of this process since it started, for its metrics. */
export class TunnelCounts {
  readonly #ended = new Map<string, number>();
  readonly #replies = new Map<string, number>();
  #bytes = 0;

  /** A tunnel has ended; any code that nobody gave on purpose means that its connection broke. */
  ended(code: number): void {
    addTo(this.#ended, reasonOf.get(code) ?? 'broken');
  }

  /** A viewer was answered with this HTTP status. */
  replied(status: number): void {
    addTo(this.#replies, String(status));
  }

  /** Bytes of a log were handed on to a viewer. */
  sent(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Tunnels that have ended, by the reason. */
  endedReadings(): Reading[] {
    return readingsOf(this.#ended);
  }

  /** Replies to viewers, by HTTP status. */
  replyReadings(): Reading[] {
    return readingsOf(this.#replies);
  }

  /** Bytes of logs that viewers were sent. */
  bytesSent(): number {
    return this.#bytes;
  }
}
