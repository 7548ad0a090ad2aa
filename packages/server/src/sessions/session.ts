import { createHash, randomBytes } from 'node:crypto';
import type { Sql } from '../base/index.ts';
import * as store from './store.ts';

/** A secret that nobody guesses. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** What the database knows of a secret. */
export const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/** Begins a session; answers it with the token that its cookie holds. */
export const beginSession = async (
  sql: Sql,
  { clientId, scopes, created, expires }: Omit<store.SessionRow, 'digest'>,
): Promise<{ readonly token: string; readonly session: store.SessionRow }> => {
  const token = newSecret();
  const session = { digest: digestOf(token), clientId, scopes, created, expires };
  await store.insertSession(sql, session);
  return { token, session };
};

/** How long a session lasts from now on, for its cookie. */
export const secondsLeft = ({ expires }: Pick<store.SessionRow, 'expires'>, now: Date): number =>
  Math.floor((expires.getTime() - now.getTime()) / 1000);
