import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { type Clock, seconds } from '../clock.ts';
import { backOffMs } from '../retry.ts';
import { Unavailable } from '../unavailable.ts';
import { messageOf } from '../worker-log.ts';
import { type PullEvent, PullProgress } from './pull-progress.ts';

export interface Pulling {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Writes to the log of the task. */
  readonly report: (text: string) => void;
  /** The number of attempts; five by default. */
  readonly attemptsMax?: number;
}

const progressEveryMs = seconds(5);

// Errors that a second attempt would not change.
const lasting =
  /not found|manifest unknown|denied|unauthorized|forbidden|authentication required|invalid reference|no such image|name unknown|no matching manifest/i;

// Not by `readline`, which lets an error of its input fall on the whole process.
async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  yield rest;
}

/** Reads the reply of a daemon in lines of JSON, one object each; throws what it reports as an error. */
export async function* eventsOf(stream: Readable): AsyncGenerator<PullEvent> {
  for await (const line of linesOf(stream)) {
    if (line.trim() === '') continue;
    const event = JSON.parse(line) as PullEvent;
    if (event.error !== undefined) throw new Error(event.error);
    yield event;
  }
}

const pullOnce = async (docker: Docker, name: string, { clock, signal, report }: Pulling): Promise<void> => {
  const stream = (await docker.pull(name, { abortSignal: signal })) as unknown as Readable;
  const progress = new PullProgress();
  let toldAtMs = clock.now().getTime();
  for await (const event of eventsOf(stream)) {
    progress.add(event);
    if (clock.now().getTime() - toldAtMs < progressEveryMs) continue;
    toldAtMs = clock.now().getTime();
    report(`Pulling ${name}: ${progress.line()}`);
  }
  report(`Pulled ${name}: ${progress.line()}`);
};

/**
 * Pulls an image from its registry, with retries after temporary failures, and reports its progress. Throws what the daemon
 * says: as {@link Unavailable} unless it says that there is no such image, or that access is denied.
 */
export const pullImage = async (docker: Docker, name: string, pulling: Pulling): Promise<void> => {
  const { clock, signal, report, attemptsMax = 5 } = pulling;
  report(`Pulling ${name}`);
  for (let tries = 1; ; tries++) {
    try {
      return await pullOnce(docker, name, pulling);
    } catch (error) {
      signal.throwIfAborted();
      if (lasting.test(messageOf(error))) throw error;
      if (tries >= attemptsMax) throw new Unavailable(messageOf(error), { cause: error });
      report(`Pulling ${name} did not work, and is tried again: ${messageOf(error)}`);
      await clock.sleep(backOffMs(tries), signal);
    }
  }
};
