import { createHash, createHmac, randomBytes } from 'node:crypto';
import { oneByOne, type Work } from '../base/index.ts';
import type { Context } from './context.ts';
import * as store from './store.ts';

/** A new secret of 256 random bits. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** The digest by which the database knows a secret. */
export const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/** The token that a code becomes in the hands of one browser, which has made up `attempt`. */
export const tokenOf = (code: string, attempt: string): string =>
  createHmac('sha256', code).update(attempt).digest('base64url');

/** A person or client whose identity is proven, and the end of the session. */
export type SessionToBegin = Pick<store.SessionRow, 'clientId' | 'scopes' | 'expires'> & {
  /** A new one when absent. */
  readonly token?: string | undefined;
};

/** A session, with the token that its cookie holds. */
export interface BegunSession {
  readonly token: string;
  readonly session: store.SessionRow;
}

/** Begins sessions. */
export const beginSessions = oneByOne(
  async (
    tx,
    { clientId, scopes, expires, token = newSecret() }: SessionToBegin,
    { now }: Work<Context>,
  ): Promise<BegunSession> => {
    const session = { digest: digestOf(token), clientId, scopes, created: now, expires };
    await store.insertSession(tx, session);
    return { token, session };
  },
);

/** How long the cookie of a new session lasts. */
export const lifetimeSeconds = ({ created, expires }: store.SessionRow): number =>
  Math.floor((expires.getTime() - created.getTime()) / 1000);
