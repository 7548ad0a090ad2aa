import { PassThrough, Readable } from 'node:stream';
import { type Io, main } from '@taskyard/cli';
import type { CommandOptions, Ended } from './command.ts';

/** The program would have ended at once, with this code. */
class EndsNow extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`The command ended with ${code}.`);
    this.code = code;
  }
}

const serverIn = ({
  TASKCLUSTER_ROOT_URL: rootUrl,
  TASKCLUSTER_CLIENT_ID: clientId,
  TASKCLUSTER_ACCESS_TOKEN: accessToken,
}: Readonly<Record<string, string>>): Io['environment']['server'] => {
  if (!rootUrl) return undefined;
  return clientId && accessToken ? { rootUrl, credentials: { clientId, accessToken } } : { rootUrl };
};

const collected = (stream: PassThrough): (() => string) => {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
};

/**
 * Runs a command of `taskyard` to its end, in this process and its current folder. All is done as by the program, but
 * for its start, which takes a fifth of a second of a processor. Of the variables it knows the folder of the data and
 * the address of the server.
 */
export const commandHere = async (
  words: readonly string[],
  { env = {}, input = '' }: Pick<CommandOptions, 'env' | 'input'> = {},
): Promise<Ended> => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [out, err] = [collected(stdout), collected(stderr)];
  let code = 0;
  const io: Io = {
    stdout,
    stderr,
    stdin: Readable.from([Buffer.from(input)]),
    environment: { folder: env.TASKYARD_DATA ?? '.taskyard', server: serverIn(env) },
    onInterrupt: () => () => {},
    exit: (wanted) => {
      throw new EndsNow(wanted);
    },
    setExitCode: (wanted) => {
      code = wanted;
    },
  };
  try {
    await main(['node', 'taskyard', ...words], io);
  } catch (error) {
    if (!(error instanceof EndsNow)) throw error;
    code = error.code;
  }
  return { out: out(), err: err(), code };
};
