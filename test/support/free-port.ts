import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below those that systems give to programs that ask for any port, or connects to somebody: none of these takes ours
// between the time that it is chosen and the time that it is listened on.
const [first, last] = [10_240, 32_767];

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });

/** A port that nobody listens on, for a program that has to be told one before it starts. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(first, last + 1);
    if (await isFree(port)) return port;
  }
};
