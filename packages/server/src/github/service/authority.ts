import { RequestError } from '../../base/index.ts';
import type { Authorize } from '../../http/index.ts';
import { authorizeBy } from '../../queue/index.ts';
import type { Context } from '../context.ts';

/** Checks what an event of a repository may create: as much as the role of this part of the repository. */
export const authorityOf = async (
  { callerFor }: Pick<Context, 'callerFor'>,
  scopes: readonly string[],
): Promise<Authorize> => {
  const caller = await callerFor(scopes);
  const role = scopes.find((scope) => scope.startsWith('assume:'))?.slice('assume:'.length) ?? '';
  return authorizeBy(caller, `The role \`${role}\``);
};

/** Refuses a hook that this part of the repository may not trigger. */
export const requireHookScope = async (
  { callerFor }: Pick<Context, 'callerFor'>,
  scopes: readonly string[],
  name: string,
): Promise<void> => {
  const scope = `github:trigger-hook:${name}`;
  if ((await callerFor(scopes)).satisfies(scope)) return;
  throw new RequestError(
    'InsufficientScopes',
    `The hook ${name} needs the scope ${scope}, which its role does not have.`,
  );
};
