// Speaks with the process of an adapter; `adapters/protocol.mjs` is the other end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** A request that takes longer has failed. */
const answerWithinMs = 180_000;

/** Starts an adapter; `ask` resolves with its answer, undefined where it cannot do what it is asked for. */
export const startAdapter = async (command, env) => {
  const child = spawn(command[0], command.slice(1), {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const ended = once(child, 'exit');
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  const nextAnswer = async () => {
    for (;;) {
      const { value, done } = await answers.next();
      if (done) throw new Error('The adapter has ended.');
      if (value.startsWith('@@')) return JSON.parse(value.slice(2));
    }
  };
  const ask = async (what, more = {}) => {
    child.stdin.write(`${JSON.stringify({ what, ...more })}\n`);
    const late = new AbortController();
    const tooLate = sleep(answerWithinMs, undefined, { signal: late.signal, ref: false }).then(() => {
      throw new Error(`No answer to ${what} came.`);
    });
    tooLate.catch(() => {});
    const answer = await Promise.race([nextAnswer(), tooLate]).finally(() => late.abort());
    if (answer.error) throw new Error(answer.error);
    return answer.isMissing ? undefined : answer;
  };
  return {
    pid: child.pid,
    ask,
    stop: async () => {
      child.stdin.end();
      await Promise.race([ended, sleep(3000, undefined, { ref: false })]);
      end();
      process.off('exit', end);
    },
  };
};
