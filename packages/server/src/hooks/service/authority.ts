import type { Authorize } from '../../http/index.ts';
import { authorizeBy } from '../../queue/index.ts';
import type { Context } from '../context.ts';
import type { HookRef } from '../store.ts';
import { nameOf } from './naming.ts';

/** Checks what a hook may do: as much as its role, no matter who fires it. */
export const authorityOf = async (context: Pick<Context, 'callerFor'>, ref: HookRef): Promise<Authorize> => {
  const role = `hook-id:${nameOf(ref)}`;
  return authorizeBy(await context.callerFor([`assume:${role}`]), `The role \`${role}\``);
};
