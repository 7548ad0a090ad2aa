import { randomBytes } from 'node:crypto';
import { fastify } from 'fastify';
import { type Auth, createAuth, fillTemplate } from '../auth/index.ts';
import { encryption, type ManualClock, manualClock, silentLog } from '../base/index.ts';
import { outbox } from '../events/index.ts';
import { type Caller, serve } from '../http/index.ts';
import { type Opened, opened, servedOn, stepOf, testDatabase } from '../testing/index.ts';
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

export interface TestSessions {
  readonly auth: Opened<Auth>;
  readonly clock: ManualClock;
  readonly sessions: Opened<Sessions>;
  post(path: string, asked?: Asked): Promise<Answered>;
  step(name: string): Promise<number>;
  close(): Promise<void>;
}

export const rootId = 'static/taskcluster/root';

/** For tests: sessions on a database of their own, with auth below them. */
export const testSessions = async (rootUrl = 'http://localhost:8080'): Promise<TestSessions> => {
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
      identityProviders: [],
    }),
  );
  const app = fastify();
  let caller: Caller = { ...auth.callerFor([], ''), isAnonymous: true };
  const nobody = caller;
  const deps = { ...servedOn(clock), authenticate: async () => caller, fillScopes: fillTemplate };
  serve(app, deps, { declarations: [sessionsDeclaration], services: { sessions } });
  return {
    auth,
    clock,
    sessions,
    post: async (path, { body, cookie, caller: given = nobody } = {}) => {
      caller = given;
      const headers = cookie === undefined ? {} : { cookie };
      const url = `/api/sessions/v1/${path}`;
      const reply = await app.inject({ method: 'POST', url, headers, ...(body ? { payload: body } : {}) });
      return {
        status: reply.statusCode,
        cookie: String(reply.headers['set-cookie'] ?? ''),
        body: JSON.parse(reply.body) as Answered['body'],
      };
    },
    step: stepOf(sessions.loops),
    close: async () => {
      await app.close();
      await auth.close();
      await drop();
    },
  };
};
