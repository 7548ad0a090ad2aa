import { RequestError } from '../../base/index.ts';
import type { HookRef } from '../store.ts';

/** The name of a hook among others. */
export const nameOf = ({ hookGroupId, hookId }: HookRef): string => `${hookGroupId}/${hookId}`;

export const noSuchHook = (ref: HookRef): RequestError =>
  new RequestError('ResourceNotFound', `There is no hook ${nameOf(ref)}.`);
