import { RequestError } from '../../../base/index.ts';
import type { GcpCredentials, GcpSettings } from '../../schema/index.ts';
import { callJson, failed } from './call.ts';
import { notConfigured } from './not-configured.ts';

export interface GcpWanted {
  readonly projectId: string;
  readonly serviceAccount: string;
}

const everything = 'https://www.googleapis.com/auth/cloud-platform';

const notFound = (message: string): never => {
  throw new RequestError('ResourceNotFound', message);
};

/** The key that may act as a service account, where the operator allows it. */
const keyFor = ({ projects }: GcpSettings, { projectId, serviceAccount }: GcpWanted) => {
  const project = Object.hasOwn(projects, projectId) ? projects[projectId] : undefined;
  if (!project) return notFound(`The project '${projectId}' is not named in the setting gcp.projects.`);
  if (project.allowedServiceAccounts.includes(serviceAccount)) return project.credentials;
  return notFound(
    `The service account '${serviceAccount}' is not among allowedServiceAccounts of '${projectId}'.`,
  );
};

/** The authorization of a request: a token that the key signs itself, so no other server is needed. */
const authorizationOf = async (url: string, { client_email, private_key }: ReturnType<typeof keyFor>) => {
  const { JWT } = await import('google-auth-library');
  const client = new JWT({ email: client_email, key: private_key, scopes: [everything] });
  client.useJWTAccessWithScope = true;
  return (await client.getRequestHeaders(url)).get('authorization') ?? '';
};

/** The verb that gives out tokens of service accounts. */
export const gcpVerbs = (settings: GcpSettings | undefined) => ({
  /** An access token of a service account that the operator has allowed, for an hour. */
  gcpCredentials: async (wanted: GcpWanted): Promise<GcpCredentials> => {
    const known = settings ?? notConfigured('tokens of GCP service accounts', 'gcp.projects');
    const key = keyFor(known, wanted);
    // The project is always a hyphen, since the account's address contains it.
    const account = `projects/-/serviceAccounts/${encodeURIComponent(wanted.serviceAccount)}`;
    const url = `${known.url.replace(/\/+$/, '')}/v1/${account}:generateAccessToken`;
    const called = await callJson(url, {
      method: 'POST',
      headers: { authorization: await authorizationOf(url, key) },
      body: { scope: [everything], lifetime: '3600s' },
    });
    const { accessToken, expireTime } = (called.body ?? {}) as Partial<GcpCredentials>;
    if (called.status !== 200 || !accessToken || !expireTime) {
      return failed('The IAM credentials API of Google', called);
    }
    return { accessToken, expireTime };
  },
});
