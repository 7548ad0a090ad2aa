import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Clock } from './clock.ts';
import { RequestError } from './errors.ts';

/** A process for untrusted programs: they can use up its time and memory, but affect nothing else. */
export interface BoundedProcess {
  /** The reply of the process to a message; undefined when that takes too much time or memory. */
  ask(message: object): Promise<unknown>;
}

export interface ProcessLimits {
  /** For each message. */
  readonly timeMs: number;
  readonly memoryMb: number;
}

// Later calls are refused, since each waiting one may take its full time.
const waitingMax = 100;

/**
 * A process that runs a script. It starts at its first use and after each exit. It is not a thread, since a thread that
 * is refused a large piece of memory ends its whole process. The script sends `ready` once, and then one reply to each
 * message. Messages are sent one at a time.
 */
export const boundedProcess = (script: URL, clock: Clock, limits: ProcessLimits): BoundedProcess => {
  let child: ChildProcess | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  const open = async (): Promise<ChildProcess> => {
    const opened = fork(fileURLToPath(script), {
      execArgv: [`--max-old-space-size=${limits.memoryMb}`, '--max-semi-space-size=8'],
      // It gets none of our secrets. What it prints when it crashes is of no use.
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    // Calls that wait for it learn that it has exited.
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

/** The child process keeps our process alive only while a call waits for it. */
const hold = (child: ChildProcess, isHeld: boolean): void => {
  const held = isHeld ? 'ref' : 'unref';
  child[held]();
  child.channel?.[held]();
};

/** The reply of the process; undefined when it does not reply in time, or crashed. */
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
