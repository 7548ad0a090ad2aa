import type { AddressInfo } from 'node:net';
import { pageOf } from '@taskyard/ui';
import { type Auth, createAuth } from '../auth/index.ts';
import {
  type Database,
  days,
  encryption,
  later,
  type ManualClock,
  manualClock,
  silentLog,
} from '../base/index.ts';
import { outbox } from '../events/index.ts';
import { createSessions, sessionsDeclaration } from '../sessions/index.ts';
import { type Opened, opened, served, stepOf, testDatabase } from '../testing/index.ts';
import { createThirdParties, loginRoutes, type RegisteredClient, thirdPartyRoutes } from './index.ts';

/** Somebody who is signed in with a browser. */
export interface Visitor {
  readonly clientId: string;
  readonly cookie: string;
}

export interface TestThirdParties {
  readonly db: Database;
  readonly clock: ManualClock;
  readonly auth: Opened<Auth>;
  /** Where it listens. */
  readonly origin: string;
  /** Signs a new client with these scopes in. */
  aVisitor(scopes: readonly string[]): Promise<Visitor>;
  step(name: string): Promise<number>;
  close(): Promise<void>;
}

const rootUrl = () => 'http://localhost:8080';
const own = ['root', 'queue'].map((name) => ({
  clientId: `static/taskcluster/${name}`,
  accessToken: 'a'.repeat(44),
  description: 'Built in.',
  scopes: ['*'],
}));

/** For tests: third parties over HTTP, with sessions and auth below them, on a database of their own. */
export const testThirdParties = async (
  registered: readonly RegisteredClient[],
): Promise<TestThirdParties> => {
  const { db, drop } = await testDatabase();
  const clock = manualClock();
  const keys = encryption({ keys: { k: Buffer.alloc(32, 7).toString('base64') }, current: 'k' });
  const base = { db, clock, log: silentLog };
  const auth = opened(createAuth({ ...base, encryption: keys, outbox, staticClients: own }));
  await auth.start();
  const people = { identityProviders: [], organizations: {}, pageOf };
  const sessions = opened(createSessions({ ...base, ...people, encryption: keys, auth, rootUrl }));
  const thirdParties = opened(createThirdParties({ ...base, auth, sessions, registered, rootUrl }));
  const anybody = { ...auth.callerFor([], ''), isAnonymous: true };
  const declarations = [
    { ...sessionsDeclaration, routes: thirdPartyRoutes },
    { service: { serviceName: 'web-server', title: '', description: '' }, routes: loginRoutes },
  ];
  const app = served({ declarations, services: { thirdParties } }, { clock, callerOf: () => anybody });
  await app.listen({ port: 0, host: '127.0.0.1' });
  let clients = 0;
  return {
    db,
    clock,
    auth,
    origin: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    step: stepOf(thirdParties.loops),
    aVisitor: async (scopes) => {
      const clientId = `people/ada-${++clients}`;
      const expires = later(clock.now(), days(30)).toJSON();
      const definition = { expires, description: '', scopes: [...scopes], deleteOnExpiration: false };
      await auth.createClient(clientId, definition, {
        caller: auth.callerFor(['*']),
        authorize: () => {},
      });
      const { code } = await sessions.createSignInCodeFor(clientId);
      const { cookies } = await sessions.signIn({ code });
      return { clientId, cookie: cookies[0]?.split(';')[0] ?? '' };
    },
    close: async () => {
      await app.close();
      await auth.close();
      await drop();
    },
  };
};
