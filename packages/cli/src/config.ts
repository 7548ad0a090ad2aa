import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { Credentials } from '@taskyard/client';
import { commandName } from './command-name.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

/** The URL of a server, and the credentials. Without credentials calls are anonymous. */
export interface ServerAddress {
  readonly rootUrl: string;
  readonly credentials?: Credentials | undefined;
}

/** The settings of the command from its environment. */
export interface Environment {
  readonly server?: ServerAddress | undefined;
  /** The folder of the embedded platform. */
  readonly folder: string;
  /** Undefined when it is not set: then terminals get colors and pipes do not. */
  readonly colours?: boolean | undefined;
  /** The least important lines that an embedded server logs. */
  readonly logLevel?: string | undefined;
  /** The task queue of a worker without one on the command line. */
  readonly workerTaskQueueId?: string | undefined;
  /** How a worker registers, unless the command line says so. */
  readonly workerProvider?: string | undefined;
}

type Variables = Readonly<Record<string, string | undefined>>;

const addressIn = (variables: Variables): ServerAddress | undefined => {
  const {
    TASKCLUSTER_ROOT_URL: rootUrl,
    TASKCLUSTER_CLIENT_ID: clientId,
    TASKCLUSTER_ACCESS_TOKEN: accessToken,
    TASKCLUSTER_CERTIFICATE: certificate,
  } = variables;
  if (!rootUrl) return undefined;
  if (!clientId || !accessToken) return { rootUrl };
  return { rootUrl, credentials: { clientId, accessToken, ...(certificate ? { certificate } : {}) } };
};

const coloursIn = ({ NO_COLOR, FORCE_COLOR }: Variables): boolean | undefined => {
  if (NO_COLOR) return false;
  return FORCE_COLOR ? FORCE_COLOR !== '0' : undefined;
};

/** Reads the environment; nothing else in this package does. */
export const readEnvironment = (variables: Variables = process.env): Environment => ({
  server: addressIn(variables),
  folder: variables.TASKYARD_DATA || '.taskyard',
  colours: coloursIn(variables),
  logLevel: variables.LOG_LEVEL || undefined,
  workerTaskQueueId: variables.TASKYARD_WORKER_TASK_QUEUE_ID || undefined,
  workerProvider: variables.TASKYARD_WORKER_PROVIDER || undefined,
});

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new CommandError(exitCodes.usage, `${path} cannot be read: ${(error as Error).message}`);
  }
};

/** Reads a file of `NAME=value` lines, as `serve` writes it; empty when it does not exist. */
export const readCredentialsFile = (path: string): ServerAddress | undefined => {
  const text = readText(path);
  if (text === undefined) return undefined;
  const address = addressIn(parseEnv(text) as Variables);
  if (!address) throw new CommandError(exitCodes.usage, `${path} names no TASKCLUSTER_ROOT_URL.`);
  return address;
};

/** The file in which `serve` writes its URL and credentials. */
export const credentialsFileIn = (folder: string): string => join(folder, 'credentials.env');

/** The server of a command: from the given file, else from the environment, else the embedded one. */
export const findServer = (environment: Environment, credentialsFile: string | undefined): ServerAddress => {
  if (credentialsFile !== undefined) {
    const named = readCredentialsFile(credentialsFile);
    if (!named) throw new CommandError(exitCodes.usage, `There is no file ${credentialsFile}.`);
    return named;
  }
  const found = environment.server ?? readCredentialsFile(credentialsFileIn(environment.folder));
  if (found) return found;
  throw new CommandError(
    exitCodes.usage,
    `No server is known: start one with "${commandName} serve", or set TASKCLUSTER_ROOT_URL.`,
  );
};
