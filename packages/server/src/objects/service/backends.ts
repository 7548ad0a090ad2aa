import { RequestError } from '../../base/index.ts';
import type { Backend } from '../bytes/backend.ts';
import type { Context } from '../context.ts';

/** Where the bytes of an object lie in its backend. Keys of artifacts begin with a task id, so none is the same. */
export const keyOf = (name: string): string => `objects/${name}`;

/** The backend that an object lies in; throws NoMatchingBackend when it is not configured any more. */
export const backendOf = ({ backends }: Context, { backendId }: { readonly backendId: string }): Backend => {
  const backend = backends.get(backendId);
  if (backend) return backend;
  throw new RequestError(
    'NoMatchingBackend',
    `The object is in the backend ${backendId}, which is not configured any more.`,
  );
};
