import { at } from './details.ts';
import { type ReadFile, readFile } from './read.ts';
import { type Policy, pullRequestPolicies, type Refused, type YmlFile } from './types.ts';

/** The policy where the default branch has no file. */
export const policyWithoutFile: Policy = { pullRequests: 'collaborators_quiet' };

/** The policy of a file. What it does not say, or not in a way that is known, is `collaborators`. */
export const policyIn = ({ version, config }: Pick<ReadFile, 'version' | 'config'>): Policy => {
  const said = version === 0 ? at(config, 'allowPullRequests') : at(config, 'policy', 'pullRequests');
  const pullRequests = pullRequestPolicies.find((policy) => policy === said) ?? 'collaborators';
  const mayComment = version === 1 && at(config, 'policy', 'allowComments') === 'collaborators';
  return { pullRequests, ...(mayComment && { allowComments: 'collaborators' as const }) };
};

/** The policy of a file, without rendering it. Mistakes in its tasks are none of the policy's. */
export const policyOf = (file: YmlFile): { readonly policy: Policy } | Refused => {
  const { file: read, mistakes } = readFile(file);
  return read ? { policy: policyIn(read) } : { mistakes };
};
