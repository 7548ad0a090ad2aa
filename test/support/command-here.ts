import { Readable, Writable } from 'node:stream';
import { type Io, main } from '@taskyard/cli';
import type { CommandOptions, Ended } from './command.ts';

const serverIn = ({
  TASKCLUSTER_ROOT_URL: rootUrl,
  TASKCLUSTER_CLIENT_ID: clientId,
  TASKCLUSTER_ACCESS_TOKEN: accessToken,
}: Readonly<Record<string, string>>): Io['environment']['server'] => {
  if (!rootUrl) return undefined;
  return clientId && accessToken ? { rootUrl, credentials: { clientId, accessToken } } : { rootUrl };
};

/** An output, and what was written to it: at once, also by a command that ends without waiting for anything. */
const collecting = (): { readonly output: Writable; text(): string } => {
  const chunks: Buffer[] = [];
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  return { output, text: () => Buffer.concat(chunks).toString() };
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
  const [out, err] = [collecting(), collecting()];
  let code = 0;
  const io: Io = {
    stdout: out.output,
    stderr: err.output,
    stdin: Readable.from([Buffer.from(input)]),
    environment: { folder: env.TASKYARD_DATA ?? '.taskyard', server: serverIn(env) },
    onInterrupt: () => () => {},
    // At a second request to end, or when a server breaks: tests of that run the program.
    exit: (wanted) => {
      throw new Error(`The command would have ended its process with ${wanted}.`);
    },
    setExitCode: (wanted) => {
      code = wanted;
    },
  };
  await main(['node', 'taskyard', ...words], io);
  return { out: out.text(), err: err.text(), code };
};
