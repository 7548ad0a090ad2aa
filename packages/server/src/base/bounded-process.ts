import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Clock } from './clock.ts';
import { RequestError } from './errors.ts';

/** A process for programs of strangers: they may use up its time and its memory, and harm nobody else. */
export interface BoundedProcess {
  /** What the process answers to a message; undefined when that takes too long or too much memory. */
  ask(message: object): Promise<unknown>;
}

export interface ProcessLimits {
  /** For each message. */
  readonly timeMs: number;
  readonly memoryMb: number;
}

// Whoever comes later is refused: each of those who wait may take all of its time.
const waitingMax = 100;

/**
 * A process that runs a script, started at its first use and after each end. It is no thread: one that is refused a
 * large piece of memory takes its whole process with it. The script says `ready` when it is, and then answers each
 * message by one of its own; messages are asked one after the other.
 */
export const boundedProcess = (script: URL, clock: Clock, limits: ProcessLimits): BoundedProcess => {
  let child: ChildProcess | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  const open = async (): Promise<ChildProcess> => {
    const opened = fork(fileURLToPath(script), {
      execArgv: [`--max-old-space-size=${limits.memoryMb}`, '--max-semi-space-size=8'],
      // It sees no secrets of ours, and what it prints as it breaks is of no use.
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    // Whoever waits for it hears that it has gone.
    opened.on('error', () => {});
    opened.once('exit', () => {
      if (child === opened) child = undefined;
    });
    await Promise.race([once(opened, 'message'), once(opened, 'exit')]);
    return opened;
  };
  const askNow = async (message: object): Promise<unknown> => {
    child ??= await open();
    const asked = child;
    const answer = await answerOf(asked, message, { clock, timeMs: limits.timeMs });
    if (answer === undefined) {
      asked.kill('SIGKILL');
      child = undefined;
    }
    return answer;
  };
  return {
    ask: (message) => {
      if (waiting >= waitingMax)
        return Promise.reject(
          new RequestError('TooManyRequests', `${waitingMax} others wait for the same process already.`),
        );
      waiting++;
      const answer = last.then(() => askNow(message)).finally(() => waiting--);
      last = answer.catch(() => {});
      return answer;
    },
  };
};

/** While it is waited for, the process counts as work that is under way; else it keeps nobody from leaving. */
const hold = (child: ChildProcess, isHeld: boolean): void => {
  const held = isHeld ? 'ref' : 'unref';
  child[held]();
  child.channel?.[held]();
};

/** What the process answers; undefined when it does not in time, or broke. */
const answerOf = async (
  child: ChildProcess,
  message: object,
  { clock, timeMs }: { clock: Clock; timeMs: number },
): Promise<unknown> => {
  const waited = new AbortController();
  let answered = (_answer: unknown): void => {};
  const answer = new Promise<unknown>((resolve) => {
    answered = resolve;
  });
  const broke = () => answered(undefined);
  child.once('message', answered).once('exit', broke);
  hold(child, true);
  if (child.connected) child.send(message, (error) => error && broke());
  else broke();
  const late = clock.sleep(timeMs, waited.signal).then(() => undefined);
  try {
    return await Promise.race([answer, late]);
  } finally {
    waited.abort();
    hold(child, false);
    child.off('message', answered).off('exit', broke);
  }
};
