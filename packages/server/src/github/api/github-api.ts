import { type Clock, later, minutes, seconds } from '../../base/index.ts';
import { waitMaxMs } from '../lifecycle.ts';
import type { GithubAppSettings } from '../schema/index.ts';
import { appToken } from './app-token.ts';
import { GithubIsBusy, GithubRefusal, meaningOf } from './refusals.ts';
import { Repository } from './repository.ts';

/** A call of GitHub's REST API: a route as its pages write it, and what fills it in. */
export type Call = (route: string, fields?: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** Which repository, by the names that GitHub has for it. */
export interface RepositoryName {
  readonly organization: string;
  readonly repository: string;
  /** Its number, where its name is another one's by now. GitHub leads callers of former names there as well. */
  readonly number?: number | undefined;
}

/** A route to a repository by its number, where that has to be. */
const routeTo = (route: string, { number }: RepositoryName): string =>
  number === undefined ? route : route.replace('/repos/{owner}/{repo}', `/repositories/${number}`);

interface Token {
  readonly text: string;
  readonly expires: Date;
}

const callMs = seconds(30);
const redirectsMax = 3;
// A token is not used for the last minutes of its hour: a call may take a while.
const spareMs = minutes(5);

const successorsMax = 10_000;

const dropOldest = (map: Map<string, unknown>, max: number): void => {
  const [oldest] = map.keys();
  if (oldest !== undefined && map.size > max) map.delete(oldest);
};

const isElsewhere = ({ status }: { readonly status: number }): boolean =>
  [301, 302, 307, 308].includes(status);

/** GitHub's REST API as the app and its installations see it. */
export class GithubApi {
  readonly #settings: GithubAppSettings;
  readonly #clock: Clock;
  readonly #tokens = new Map<number, Promise<Token>>();
  /** Installations by those that they came after, and the repository: another one may have gone to another owner. */
  readonly #successors = new Map<string, number>();
  /** Until when GitHub is not asked as an installation, or as the app, since it wants us to wait. */
  readonly #waits = new Map<string, Date>();

  constructor(settings: GithubAppSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /** The installation of the app in a repository; undefined where it is not installed. */
  async installationIn(name: RepositoryName): Promise<number | undefined> {
    const { organization: owner, repository: repo } = name;
    try {
      const route = routeTo('GET /repos/{owner}/{repo}/installation', name);
      const found = await this.#asApp(route, { owner, repo });
      return (found as { id: number }).id;
    } catch (error) {
      if (error instanceof GithubRefusal && error.status === 404) return undefined;
      throw error;
    }
  }

  /** A repository, as an installation of the app reaches it. */
  repository(name: RepositoryName, installationId: number): Repository {
    const { organization: owner, repository: repo } = name;
    return new Repository((route, fields = {}) => {
      const path = routeTo(route, name);
      // What a path has no place for would become a part of the query.
      const all = path.includes('{owner}') ? { owner, repo, ...fields } : fields;
      return this.#whereInstalled(name, installationId, (id) => this.#asInstallation(id, path, all));
    });
  }

  /** Calls as an installation or, where that is gone because the app was removed and installed again, as the one that is there now. */
  async #whereInstalled<T>(name: RepositoryName, id: number, call: (id: number) => Promise<T>): Promise<T> {
    const key = `${id} ${name.number ?? `${name.organization}/${name.repository}`}`;
    const known = this.#successors.get(key) ?? id;
    const isGone = await this.#tokenOf(known).then(
      () => false,
      (error: unknown) => {
        if (error instanceof GithubRefusal && error.status === 404) return true;
        throw error;
      },
    );
    if (!isGone) return call(known);
    const now = await this.installationIn(name);
    if (now === undefined || now === known)
      throw new GithubRefusal(404, `The app is not installed in ${name.organization}/${name.repository}.`);
    this.#successors.set(key, now);
    dropOldest(this.#successors, successorsMax);
    return call(now);
  }

  async #asApp(route: string, fields: object): Promise<unknown> {
    const token = await appToken(this.#settings, this.#clock.now());
    return this.#patiently('app', () => this.#call(route, fields, `bearer ${token}`));
  }

  async #asInstallation(id: number, route: string, fields: object): Promise<unknown> {
    const { text } = await this.#tokenOf(id);
    try {
      return await this.#patiently(String(id), () => this.#call(route, fields, `token ${text}`));
    } catch (error) {
      // Somebody has revoked it: the next call asks for another.
      if (error instanceof GithubRefusal && error.status === 401) this.#tokens.delete(id);
      throw error;
    }
  }

  /** Asks GitHub nothing as one that it wants to wait: who goes on all the same is made to wait for longer, or shut out. */
  async #patiently<T>(who: string, call: () => Promise<T>): Promise<T> {
    const left = Number(this.#waits.get(who) ?? 0) - this.#clock.now().getTime();
    // More than was ever waited for is left when the clock was set back.
    if (left > 0 && left <= waitMaxMs) throw new GithubIsBusy(left, 'It has asked for patience until then.');
    this.#waits.delete(who);
    try {
      return await call();
    } catch (error) {
      if (error instanceof GithubIsBusy) this.#waits.set(who, later(this.#clock.now(), error.waitMs));
      throw error;
    }
  }

  async #tokenOf(id: number): Promise<Token> {
    const known = await this.#tokens.get(id);
    if (known && later(this.#clock.now(), spareMs) < known.expires) return known;
    const asked = this.#askForToken(id);
    this.#tokens.set(id, asked);
    asked.catch(() => this.#tokens.delete(id));
    return asked;
  }

  async #askForToken(id: number): Promise<Token> {
    const made = await this.#asApp('POST /app/installations/{installation_id}/access_tokens', {
      installation_id: id,
    });
    const { token, expires_at: expires } = made as { token: string; expires_at: string };
    return { text: token, expires: new Date(expires) };
  }

  async #call(route: string, fields: object, authorization: string): Promise<unknown> {
    const { request } = await import('@octokit/request');
    const { apiUrl } = this.#settings;
    const headers = { authorization, 'user-agent': 'taskyard', 'x-github-api-version': '2022-11-28' };
    const signal = AbortSignal.timeout(callMs);
    // Followed here: otherwise what is sent to a repository that was renamed would become a GET.
    const given = { baseUrl: apiUrl, headers, request: { signal, redirect: 'manual' as const }, ...fields };
    try {
      const { method, headers: sent, body } = request.endpoint(route, given);
      const again = {
        method,
        headers: sent,
        request: given.request,
        ...(body !== undefined && { data: body }),
      };
      let reply = await request(route, given);
      for (let followed = 0; isElsewhere(reply) && followed < redirectsMax; followed++) {
        const url = new URL(String(reply.headers.location), reply.url);
        if (url.origin !== new URL(apiUrl).origin) break;
        reply = await request({ ...again, url: url.href });
      }
      if (!isElsewhere(reply)) return reply.data;
    } catch (error) {
      throw meaningOf(error, this.#clock.now());
    }
    throw new GithubRefusal(404, 'GitHub sends the call to a place that is not its own.');
  }
}
