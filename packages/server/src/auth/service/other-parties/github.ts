import { type Clock, RequestError } from '../../../base/index.ts';
import type { GithubRepoTokenRequest, GithubSettings, GithubToken } from '../../schema/index.ts';
import type { Asking } from '../changes.ts';
import { type Called, callJson, failed, wordsIn } from './call.ts';
import { notConfigured } from './not-configured.ts';

export type GithubWanted = GithubRepoTokenRequest & { readonly appName: string; readonly owner: string };

type Api = (method: string, path: string, body?: object) => Promise<Called>;

/** The API of GitHub, as one app sees it. */
const apiOf = async (clock: Clock, { apps, url }: GithubSettings, appName: string): Promise<Api> => {
  const app = Object.hasOwn(apps, appName) ? apps[appName] : undefined;
  if (!app) {
    throw new RequestError('ResourceNotFound', `There is no app '${appName}' in the setting github.apps.`);
  }
  const { default: githubAppJwt } = await import('universal-github-app-jwt');
  const { token } = await githubAppJwt({
    id: app.appId,
    privateKey: app.privateKey,
    now: Math.floor(clock.now().getTime() / 1000),
  });
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
    'user-agent': 'taskyard',
  };
  return (method, path, body) =>
    callJson(`${url.replace(/\/+$/, '')}${path}`, { method, headers, ...(body ? { body } : {}) });
};

const isLimited = ({ status, headers, body }: Called): boolean =>
  status === 429 ||
  (status === 403 &&
    (headers.has('retry-after') ||
      headers.get('x-ratelimit-remaining') === '0' ||
      /secondary rate/i.test(wordsIn(body))));

/** The body of a successful reply; other replies become the matching refusal. */
const bodyOf = (called: Called, { appName, owner }: GithubWanted): Record<string, unknown> => {
  const { status, body } = called;
  if (status >= 200 && status < 300) return (body ?? {}) as Record<string, unknown>;
  if (status === 404) {
    throw new RequestError('ResourceNotFound', `The app '${appName}' is not installed for '${owner}'.`);
  }
  if (status === 422) throw new RequestError('InputError', `GitHub refused: ${wordsIn(body)}`);
  if (isLimited(called)) {
    throw new RequestError(
      'TooManyRequests',
      `GitHub wants the app '${appName}' to wait before it asks again.`,
    );
  }
  return failed('GitHub', called);
};

// Looked up at each call, since a name can move to another owner at any time.
const installationOf = async (api: Api, wanted: GithubWanted): Promise<number> => {
  const owner = encodeURIComponent(wanted.owner);
  const asOrganization = await api('GET', `/orgs/${owner}/installation`);
  const found =
    asOrganization.status === 404 ? await api('GET', `/users/${owner}/installation`) : asOrganization;
  const { id, account } = bodyOf(found, wanted) as { id?: number; account?: { login?: string } };
  if (account?.login?.toLowerCase() !== wanted.owner) {
    throw new RequestError(
      'InputError',
      `GitHub answers for '${account?.login}' instead of '${wanted.owner}': the owner may have another name now.`,
    );
  }
  return id ?? failed('GitHub', found);
};

// Every permission applies to every repository. Scopes have owners and repositories in lower case.
const repoPermissions = ({ repositories, permissions }: GithubRepoTokenRequest): string[] =>
  repositories.flatMap((repository) =>
    Object.entries(permissions).map(([name, level]) => `${repository}:${name}:${level}`),
  );

const inLowerCase = (wanted: GithubWanted): GithubWanted => ({
  ...wanted,
  owner: wanted.owner.toLowerCase(),
  repositories: wanted.repositories.map((name) => name.toLowerCase()),
});

/** The verb that gives out tokens of GitHub apps. */
export const githubVerbs = (clock: Clock, settings: GithubSettings | undefined) => ({
  /** A token of an app for these repositories of an owner, with these permissions and no others. */
  githubRepoToken: async ({ authorize }: Asking, given: GithubWanted): Promise<GithubToken> => {
    const wanted = inLowerCase(given);
    const { appName, owner, repositories, permissions } = wanted;
    authorize({ appName, owner, repoPerms: repoPermissions(wanted) });
    const known = settings ?? notConfigured('tokens for GitHub', 'github.apps');
    const api = await apiOf(clock, known, appName);
    const installation = await installationOf(api, wanted);
    const called = await api('POST', `/app/installations/${installation}/access_tokens`, {
      repositories,
      permissions,
    });
    const { token, expires_at: expires } = bodyOf(called, wanted) as { token?: string; expires_at?: string };
    return token && expires ? { token, expires } : failed('GitHub', called);
  },
});
