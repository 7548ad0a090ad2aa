import { type Clock, hours, later } from '../../../base/index.ts';
import type { SentryDsn, SentrySettings } from '../../schema/index.ts';
import { type Called, callJson, failed } from './call.ts';
import { notConfigured } from './not-configured.ts';

interface Key {
  readonly id: string;
  readonly dsn: SentryDsn['dsn'];
  readonly expires: Date;
}

const keyLifeMs = hours(48);
/** A key is handed out only while it lasts longer than this, so that its holder can use it for a day. */
const lifeLeftMs = hours(25);

const isOk = ({ status }: Called): boolean => status >= 200 && status < 300;

/** The part of Sentry's web API that is used here. */
const sentryApi = ({ url, organization, authToken, team, keyPrefix }: SentrySettings) => {
  const call = (method: string, path: string, body?: object): Promise<Called> =>
    callJson(`${url.replace(/\/+$/, '')}/api/0${path}`, {
      method,
      headers: { authorization: `Bearer ${authToken}` },
      ...(body ? { body } : {}),
    });
  const inOrganization = `/${encodeURIComponent(organization)}`;
  const keysOf = (project: string): string =>
    `/projects${inOrganization}/${encodeURIComponent(project)}/keys/`;

  // Keys of Sentry do not expire, so their name says when they do.
  const nameOf = (expires: Date): string => `${keyPrefix} until ${expires.toJSON()}`;
  const readKey = ({ id, name, dsn }: { id: string; name: string; dsn: Key['dsn'] }): Key[] => {
    if (!name.startsWith(`${keyPrefix} until `)) return [];
    const expires = new Date(name.slice(`${keyPrefix} until `.length));
    return Number.isNaN(expires.getTime()) ? [] : [{ id, dsn, expires }];
  };

  return {
    /** The keys of a project that this server created; undefined when there is no such project. */
    listKeys: async (project: string): Promise<Key[] | undefined> => {
      const called = await call('GET', keysOf(project));
      if (called.status === 404) return undefined;
      return isOk(called)
        ? (called.body as Parameters<typeof readKey>[0][]).flatMap(readKey)
        : failed('Sentry', called);
    },
    createProject: async (project: string): Promise<void> => {
      const path = `/teams${inOrganization}/${encodeURIComponent(team)}/projects/`;
      const called = await call('POST', path, { name: project, slug: project });
      // Another process may have created it meanwhile.
      if (!isOk(called) && called.status !== 409) failed('Sentry', called);
    },
    createKey: async (project: string, expires: Date): Promise<Key> => {
      const called = await call('POST', keysOf(project), { name: nameOf(expires) });
      if (!isOk(called)) failed('Sentry', called);
      return { ...(called.body as Pick<Key, 'id' | 'dsn'>), expires };
    },
    deleteKey: async (project: string, { id }: Key): Promise<void> => {
      const called = await call('DELETE', `${keysOf(project)}${encodeURIComponent(id)}/`);
      if (!isOk(called) && called.status !== 404) failed('Sentry', called);
    },
    /** A page of projects, and where the next one begins. */
    listProjects: async (cursor: string | undefined) => {
      const query = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
      const called = await call('GET', `/organizations${inOrganization}/projects/${query}`);
      if (!isOk(called)) failed('Sentry', called);
      const projects = (called.body as { slug: string }[]).map(({ slug }) => slug);
      return { projects, next: nextCursor(called.headers.get('link') ?? '') };
    },
  };
};

/** `<…>; rel="next"; results="true"; cursor="…"`, unless this is the last page. */
const nextCursor = (links: string): string | undefined => {
  const next = links.split(',').find((link) => /rel="next"/.test(link) && /results="true"/.test(link));
  return next && /cursor="([^"]*)"/.exec(next)?.[1];
};

const lastOf = (keys: readonly Key[]): Key | undefined =>
  keys.reduce<Key | undefined>((last, key) => (last && last.expires >= key.expires ? last : key), undefined);

/** The keys that this server hands out for projects of Sentry, each of which expires. */
export class SentryKeys {
  readonly #clock: Clock;
  readonly #api: ReturnType<typeof sentryApi> | undefined;
  /** Where the purge goes on. A restart begins again with the first page, which costs nothing but time. */
  #cursor: string | undefined;

  constructor(clock: Clock, settings: SentrySettings | undefined) {
    this.#clock = clock;
    this.#api = settings && sentryApi(settings);
  }

  /** Access to a project, which is created when it is missing. It lasts for at least a day and at most two. */
  async dsnOf(project: string): Promise<SentryDsn> {
    const api =
      this.#api ?? notConfigured('access to Sentry', 'sentry.organization, sentry.authToken and sentry.team');
    const now = this.#clock.now();
    const keys = await api.listKeys(project);
    if (!keys) await api.createProject(project);
    const last = lastOf(keys ?? []);
    const { dsn, expires } =
      last && last.expires > later(now, lifeLeftMs)
        ? last
        : await api.createKey(project, later(now, keyLifeMs));
    return { project, dsn: { secret: dsn.secret, public: dsn.public }, expires: expires.toJSON() };
  }

  /** Deletes expired keys of one page of projects; returns {@link projectsPerPage} when there are more pages, else 0. */
  async purge(): Promise<number> {
    const api = this.#api;
    if (!api) return 0;
    const { projects, next } = await api.listProjects(this.#cursor);
    this.#cursor = next;
    for (const project of projects) {
      const now = this.#clock.now();
      const expired = ((await api.listKeys(project)) ?? []).filter(({ expires }) => expires < now);
      for (const key of expired) await api.deleteKey(project, key);
    }
    return next === undefined ? 0 : projectsPerPage;
  }
}

/** The limit of the loop that purges. A step that returns it is followed by another at once. */
export const projectsPerPage = 100;
