import { type Policy, policyWithoutFile } from '@taskyard/taskcluster-yml';
import type { PullRequest, Repository } from '../api/index.ts';
import type { Context } from '../context.ts';
import { partsOf } from '../names.ts';

/** The file that says which tasks a repository has. */
export const fileName = '.taskcluster.yml';

/** What holds where the file of the default branch cannot be read: nobody else may make tasks. */
const policyOfMistaken: Policy = { pullRequests: 'collaborators' };

/** The policy of the default branch: the file of a pull request has no say in it. */
export const readPolicy = async ({ rendering }: Context, repository: Repository): Promise<Policy> => {
  const file = await repository.fileAt(fileName);
  if (!file) return policyWithoutFile;
  const { text } = file;
  if (text === undefined) return policyOfMistaken;
  const read = await rendering.policyIn(text);
  return 'mistakes' in read ? policyOfMistaken : read;
};

/**
 * Whether all who had a hand in a pull request may push to the repository: the person who opened it, and the owner of the fork
 * that it comes from, unless that is the owner of the repository. A fork that is gone belongs to nobody, and never to the
 * repository itself; the author's account may be gone, too.
 */
export const isTrusted = async (
  repository: Repository,
  { user, head, base }: PullRequest,
): Promise<boolean> => {
  if (!user || !head.repo || !base.repo) return false;
  const { organization: owner } = partsOf(head.repo.full_name);
  const { organization: ownerOfBase } = partsOf(base.repo.full_name);
  // A fork of the same owner as well, as in the original.
  const isOwn = owner !== '' && owner.toLowerCase() === ownerOfBase.toLowerCase();
  const logins = new Set(isOwn ? [user.login] : [user.login, owner]);
  for (const login of logins) if (!(await repository.isCollaborator(login))) return false;
  return true;
};
