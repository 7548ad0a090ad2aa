import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError, Auth, fromNow, Secrets } from '@taskyard/client';
import { isFields, validatorOf } from '@taskyard/taskcluster-yml/template';
import { parse, stringify } from 'yaml';
import { CommandError, exitCodes } from '../exit-codes.ts';
import type { Platform } from '../platform.ts';

/** The name of the file in the checkout; it belongs into no commit when it holds secrets. */
export const localFileName = '.taskyard.yml';

/** What tasks of this repository get on this machine. */
export interface LocalFile {
  /** Scopes by the names of roles. */
  readonly roles: Readonly<Record<string, readonly string[]>>;
  readonly secrets: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Task queues that are not served here, with stars for any text. */
  readonly skip: readonly string[];
}

const check = validatorOf({
  type: 'object',
  properties: {
    roles: { type: 'object', additionalProperties: { type: 'array', items: { type: 'string' } } },
    secrets: { type: 'object', additionalProperties: { type: 'object' } },
    skip: { type: 'array', items: { type: 'string' } },
  },
  additionalProperties: false,
});

/** Reads the file of a checkout; undefined where there is none. */
export const readLocalFile = async (folder: string): Promise<LocalFile | undefined> => {
  const path = join(folder, localFileName);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new CommandError(exitCodes.usage, `${path} cannot be read: ${error.message}`);
  });
  if (text === undefined) return undefined;
  const content: unknown = parseOrRefuse(path, text) ?? {};
  const [refusal] = check(content);
  if (refusal) throw new CommandError(exitCodes.usage, `${path}: ${refusal.message}`);
  const { roles = {}, secrets = {}, skip = [] } = (isFields(content) ? content : {}) as Partial<LocalFile>;
  return { roles, secrets, skip };
};

const parseOrRefuse = (path: string, text: string): unknown => {
  try {
    return parse(text);
  } catch (error) {
    throw new CommandError(exitCodes.usage, `${path}: ${(error as Error).message}`);
  }
};

const heading = `# What "tyard run .taskcluster.yml" gives the tasks of this repository on this machine.
# roles: the scopes of each role; a star at the end of its name matches any ending.
# secrets: fill them in, and keep this file out of your commits then.
# skip: task queues that are not served here, such as team/windows or signing-*/*.
`;

/** Writes the file of a checkout. Throws a CommandError where there is one. */
export const writeLocalFile = async (folder: string, content: LocalFile): Promise<string> => {
  const path = join(folder, localFileName);
  try {
    await writeFile(path, heading + stringify(content), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new CommandError(exitCodes.usage, `There is ${path} already: change it, or remove it first.`);
  }
  return path;
};

/**
 * What every caller may do, as on public servers: tasks ask for public artifacts and paths of the index without
 * credentials. Files from before there were projects name none.
 */
const anonymous = {
  anonymous: [
    'index:find-task:*',
    'queue:create-task:project:none',
    'queue:get-artifact:public/*',
    'queue:get-task:*',
    'queue:status:*',
  ],
};

/** Makes roles and secrets of the platform what the file says, if there is one. Others stay as they are. */
export const applyLocalFile = async (
  { rootUrl, credentials }: Platform,
  file: LocalFile | undefined,
): Promise<void> => {
  const { secrets = {} } = file ?? {};
  const roles = { ...anonymous, ...file?.roles };
  const auth = new Auth({ rootUrl, credentials });
  for (const [roleId, scopes] of Object.entries(roles)) {
    const body = { scopes: [...scopes], description: `From ${localFileName}.` };
    await auth.createRole(roleId, body).catch((error: unknown) => {
      if (error instanceof ApiError && error.statusCode === 409) return auth.updateRole(roleId, body);
      throw error;
    });
  }
  const kept = new Secrets({ rootUrl, credentials });
  for (const [name, secret] of Object.entries(secrets))
    await kept.set(name, { secret: { ...secret }, expires: fromNow('1 year').toJSON() });
};
