import { randomBytes } from 'node:crypto';
import { type Database, encryption, type ManualClock, manualClock, silentLog } from '../base/index.ts';
import { type Opened, opened, type TestDatabase, testDatabase } from '../testing/index.ts';
import type { GivenAuthContext } from './context.ts';
import { type Auth, createAuth } from './index.ts';
import type { Message } from './schema/index.ts';

/** For tests: auth on a database of its own, with an outbox that tests can read. */
export interface TestAuth {
  readonly auth: Opened<Auth>;
  readonly db: Database;
  readonly clock: ManualClock;
  readonly sent: Message[];
  /** Auth once more on the same database, as in another process. */
  another(): Promise<Opened<Auth>>;
  close(): Promise<void>;
}

export const rootKeys = { clientId: 'static/taskcluster/root', accessToken: 'r'.repeat(44) };
export const queueKeys = { clientId: 'static/taskcluster/queue', accessToken: 'q'.repeat(44) };

/** A started auth; its clock shows the time of the call. */
export const testAuth = async (options: Partial<GivenAuthContext> = {}): Promise<TestAuth> => {
  const database: TestDatabase = await testDatabase();
  const clock = manualClock();
  const sent: Message[] = [];
  const everything = { description: 'Built in.', scopes: ['*'] };
  const deps: GivenAuthContext = {
    db: database.db,
    clock,
    log: silentLog,
    encryption: encryption({ keys: { k: randomBytes(32).toString('base64') }, current: 'k' }),
    outbox: { append: async (_, messages) => sent.push(...messages) },
    staticClients: [
      { ...rootKeys, ...everything },
      { ...queueKeys, ...everything },
    ],
    ...options,
  };
  const start = async (): Promise<Opened<Auth>> => {
    const auth = opened(createAuth(deps));
    await auth.start();
    return auth;
  };
  const auth = await start();
  return {
    auth,
    db: database.db,
    clock,
    sent,
    another: start,
    close: async () => {
      await auth.close();
      await database.drop();
    },
  };
};
