import {
  Auth,
  Hooks,
  Index,
  PurgeCache,
  Queue,
  Secrets,
  Views,
  WorkerManager,
} from '@taskyard/client/browser';
import { currentSession, rootUrl, type Session, SessionEnded } from './session.ts';

const clientsFor = (session: Session) => {
  const credentials = session.kind === 'somebody' ? session.credentials : undefined;
  const options = { rootUrl, credentials, retries: 2 };
  return {
    auth: new Auth(options),
    hooks: new Hooks(options),
    index: new Index(options),
    purgeCache: new PurgeCache(options),
    queue: new Queue(options),
    secrets: new Secrets(options),
    views: new Views(options),
    workerManager: new WorkerManager(options),
  };
};

export type Api = ReturnType<typeof clientsFor>;
let made: { readonly session: Session; readonly api: Api } | undefined;

/** Clients of the services, with credentials that hold. Throws SessionEnded where there are none any more. */
export const api = async (): Promise<Api> => {
  const session = await currentSession();
  if (session.kind === 'ended') throw new SessionEnded();
  if (made?.session !== session) made = { session, api: clientsFor(session) };
  return made.api;
};
