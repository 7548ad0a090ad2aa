import { RequestError } from '../../base/index.ts';
import { asAnswer, type Repository } from '../api/index.ts';
import { requireApi } from '../configured.ts';
import type { Context } from '../context.ts';
import type { CreateStatus } from '../schema/index.ts';

/** A repository by the names that the API has. */
export interface RepositoryRef {
  readonly owner: string;
  readonly repo: string;
}

/** Does something at GitHub; what it refuses, the caller is refused. */
const withRepository = async (
  context: Context,
  { owner, repo }: RepositoryRef,
  act: (repository: Repository) => Promise<void>,
): Promise<undefined> => {
  const api = requireApi(context);
  const name = { organization: owner, repository: repo };
  try {
    const installationId = await api.installationIn(name);
    if (installationId === undefined)
      throw new RequestError('ResourceNotFound', `The app is not installed in ${owner}/${repo}.`);
    await act(api.repository(name, installationId));
    return undefined;
  } catch (error) {
    throw asAnswer(error);
  }
};

/** Whether the app is installed in a repository. */
export const readRepository = async (
  context: Context,
  { owner, repo }: RepositoryRef,
): Promise<{ installed: boolean }> => {
  try {
    const id = await requireApi(context).installationIn({ organization: owner, repository: repo });
    return { installed: id !== undefined };
  } catch (error) {
    throw asAnswer(error);
  }
};

/** Shows a commit status at a commit. */
export const createStatus = (
  context: Context,
  { sha, status, ...ref }: RepositoryRef & { readonly sha: string; readonly status: CreateStatus },
): Promise<undefined> => withRepository(context, ref, (repository) => repository.createStatus(sha, status));

/** Writes a comment below an issue or a pull request. */
export const createComment = (
  context: Context,
  { number, body, ...ref }: RepositoryRef & { readonly number: number; readonly body: string },
): Promise<undefined> => withRepository(context, ref, (repository) => repository.comment({ number }, body));
