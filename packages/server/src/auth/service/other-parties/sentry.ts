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
/** A key that lasts shorter is not given out any more: whoever gets one may use it for a day. */
const lifeLeftMs = hours(25);

const isOk = ({ status }: Called): boolean => status >= 200 && status < 300;

/** The web API of Sentry, as far as it is needed here. */
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

  // A key's end stands in its name: Sentry itself knows none.
  const nameOf = (expires: Date): string => `${keyPrefix} until ${expires.toJSON()}`;
  const readKey = ({ id, name, dsn }: { id: string; name: string; dsn: Key['dsn'] }): Key[] => {
    if (!name.startsWith(`${keyPrefix} until `)) return [];
    const expires = new Date(name.slice(`${keyPrefix} until `.length));
    return Number.isNaN(expires.getTime()) ? [] : [{ id, dsn, expires }];
  };

  return {
    /** The keys of a project that were made here; undefined when there is no such project. */
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
      // Somebody else may just have made it.
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

/** The verbs of Sentry's keys. */
export const sentryVerbs = (clock: Clock, settings: SentrySettings | undefined) => {
  const api = settings && sentryApi(settings);
  // Where the purge goes on. A restart begins anew, which costs nothing but time.
  let cursor: string | undefined;
  return {
    /** Access to a project, which is made if need be; it lasts for a day at least, and two at most. */
    sentryDSN: async (project: string): Promise<SentryDsn> => {
      const sentry =
        api ?? notConfigured('access to Sentry', 'sentry.organization, sentry.authToken and sentry.team');
      const now = clock.now();
      const keys = await sentry.listKeys(project);
      if (!keys) await sentry.createProject(project);
      const last = lastOf(keys ?? []);
      const { dsn, expires } =
        last && last.expires > later(now, lifeLeftMs)
          ? last
          : await sentry.createKey(project, later(now, keyLifeMs));
      return { project, dsn: { secret: dsn.secret, public: dsn.public }, expires: expires.toJSON() };
    },

    /** Deletes keys that have expired, in one page of projects; returns how many projects those were. */
    purgeSentryKeys: async (): Promise<number> => {
      if (!api) return 0;
      const { projects, next } = await api.listProjects(cursor);
      cursor = next;
      for (const project of projects) {
        const expired = ((await api.listKeys(project)) ?? []).filter(({ expires }) => expires < clock.now());
        for (const key of expired) await api.deleteKey(project, key);
      }
      // A full page is one after which there is another: the loop goes on at once.
      return next === undefined ? 0 : projectsPerPage;
    },
  };
};

/** The loop's limit: to have done so much means that there is more. */
export const projectsPerPage = 100;
