import { randomBytes } from 'node:crypto';
import { pageOf } from '@taskyard/ui';
import { type Auth, createAuth } from '../auth/index.ts';
import { encryption, type ManualClock, manualClock, silentLog } from '../base/index.ts';
import { outbox } from '../events/index.ts';
import type { Caller } from '../http/index.ts';
import { type Opened, opened, served, stepOf, testDatabase } from '../testing/index.ts';
import type { IdentityProvider } from './identity-providers/index.ts';
import { createSessions, type Sessions, sessionsDeclaration } from './index.ts';

export interface Asked {
  readonly body?: object;
  readonly cookie?: string;
  /** The caller; anonymous by default. */
  readonly caller?: Caller;
}

export interface Answered {
  readonly status: number;
  readonly cookie: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Where a browser is sent, and what it shall keep. */
export interface Sent {
  readonly location: string;
  readonly cookies: readonly string[];
}

export interface SessionSettings {
  readonly rootUrl?: string;
  readonly identityProviders?: readonly IdentityProvider[];
  readonly organizations?: Readonly<Record<string, string>>;
}

export interface TestSessions {
  readonly auth: Opened<Auth>;
  readonly clock: ManualClock;
  readonly sessions: Opened<Sessions>;
  post(path: string, asked?: Asked): Promise<Answered>;
  /** Goes to an address of the service, as a browser does. */
  go(path: string, cookie: string): Promise<Sent>;
  step(name: string): Promise<number>;
  close(): Promise<void>;
}

export const rootId = 'static/taskcluster/root';

/** For tests: sessions on a database of their own, with auth below them. */
export const testSessions = async ({
  rootUrl = 'http://localhost:8080',
  identityProviders = [],
  organizations = {},
}: SessionSettings = {}): Promise<TestSessions> => {
  const { db, drop } = await testDatabase();
  const clock = manualClock();
  const everything = { description: 'Built in.', scopes: ['*'] };
  const keys = encryption({ keys: { k: randomBytes(32).toString('base64') }, current: 'k' });
  const auth = opened(
    createAuth({
      db,
      clock,
      log: silentLog,
      encryption: keys,
      outbox,
      staticClients: [
        { clientId: rootId, accessToken: 'r'.repeat(44), ...everything },
        { clientId: 'static/taskcluster/queue', accessToken: 'q'.repeat(44), ...everything },
      ],
    }),
  );
  await auth.start();
  const sessions = opened(
    createSessions({
      db,
      clock,
      log: silentLog,
      encryption: keys,
      auth,
      rootUrl: () => rootUrl,
      identityProviders,
      organizations,
      pageOf,
    }),
  );
  const { close, ...asked } = serveSessions(sessions, { clock, anybody: auth.callerFor([], '') });
  return {
    auth,
    clock,
    sessions,
    ...asked,
    step: stepOf(sessions.loops),
    close: async () => {
      await close();
      await auth.close();
      await drop();
    },
  };
};

/** Serves the methods of sessions; `anybody` is who calls where a test names no caller, without credentials. */
const serveSessions = (
  sessions: Opened<Sessions>,
  { clock, anybody }: { clock: ManualClock; anybody: Caller },
) => {
  const nobody = { ...anybody, isAnonymous: true };
  let caller: Caller = nobody;
  const api = { declarations: [sessionsDeclaration], services: { sessions } };
  const app = served(api, { clock, callerOf: () => caller });
  const headersWith = (cookie: string | undefined) => (cookie ? { cookie } : {});
  return {
    post: async (path: string, { body, cookie, caller: given = nobody }: Asked = {}): Promise<Answered> => {
      caller = given;
      const reply = await app.inject({
        method: 'POST',
        url: `/api/sessions/v1/${path}`,
        headers: headersWith(cookie),
        ...(body ? { payload: body } : {}),
      });
      return {
        status: reply.statusCode,
        cookie: String(reply.headers['set-cookie'] ?? ''),
        body: JSON.parse(reply.body) as Answered['body'],
      };
    },
    go: async (path: string, cookie: string): Promise<Sent> => {
      const reply = await app.inject({ url: `/api/sessions/v1/${path}`, headers: headersWith(cookie) });
      const cookies = [reply.headers['set-cookie'] ?? []].flat();
      return { location: String(reply.headers.location ?? ''), cookies };
    },
    close: () => app.close(),
  };
};
