import { createPrivateKey } from 'node:crypto';
import type { GithubAppSettings } from '../schema/index.ts';

// GitHub takes none that lives for more than ten minutes; clocks differ a little.
const [skewSeconds, lifeSeconds] = [60, 540];

/** The token by which the app itself speaks: good for nine minutes. */
export const appToken = async (
  { appId, privateKey }: Pick<GithubAppSettings, 'appId' | 'privateKey'>,
  now: Date,
): Promise<string> => {
  const { SignJWT } = await import('jose');
  const seconds = Math.floor(now.getTime() / 1000);
  // In environment variables line ends are often written as two characters.
  const key = createPrivateKey(privateKey.replaceAll('\\n', '\n'));
  return new SignJWT({})
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(appId)
    .setIssuedAt(seconds - skewSeconds)
    .setExpirationTime(seconds + lifeSeconds)
    .sign(key);
};
