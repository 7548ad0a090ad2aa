import { RequestError } from '../../base/index.ts';
import type { Backend } from '../bytes/backend.ts';
import type { Context } from '../context.ts';

/** The key of an object's bytes in its backend. Keys of artifacts begin with a task id, so they are different. */
export const keyOf = (name: string): string => `objects/${name}`;

/** The backend of an object; throws NoMatchingBackend when it is no longer configured. */
export const backendOf = ({ backends }: Context, { backendId }: { readonly backendId: string }): Backend => {
  const backend = backends.get(backendId);
  if (backend) return backend;
  throw new RequestError(
    'NoMatchingBackend',
    `The object is in the backend ${backendId}, which is not configured any more.`,
  );
};
