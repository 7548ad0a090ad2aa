import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { hours, later, manualClock } from '../../../base/index.ts';
import { SentryKeys } from './sentry.ts';
import { type Answer, type FakeParty, fakeParty, type Got } from './testing.ts';

interface Key {
  readonly id: string;
  readonly name: string;
  readonly dsn: object;
}

/** Sentry: projects of one organization with their keys, two projects to a page. */
const fakeSentry = () => {
  const projects = new Map<string, Map<string, Key>>();
  let made = 0;
  const addKey = (project: string, name: string): Key => {
    const id = `key${++made}`;
    const dsn = { secret: `https://${id}:s@sentry/1`, public: `https://${id}@sentry/1`, csp: 'x' };
    const key = { id, name, dsn };
    projects.get(project)?.set(id, key);
    return key;
  };
  const listProjects = (cursor: number): Answer => {
    const slugs = [...projects.keys()].slice(cursor, cursor + 2).map((slug) => ({ slug }));
    const more = cursor + 2 < projects.size;
    const link = (rel: string, results: boolean, at: number) =>
      `<http://sentry/>; rel="${rel}"; results="${results}"; cursor="${at}"`;
    return {
      status: 200,
      headers: { link: `${link('previous', cursor > 0, 0)}, ${link('next', more, cursor + 2)}` },
      body: slugs,
    };
  };
  const answerForKeys = (method: string, [project = '', id]: string[], body: string): Answer => {
    const keys = projects.get(project);
    if (!keys) return { status: 404, body: { detail: 'no such project' } };
    if (method === 'POST') return { status: 201, body: addKey(project, JSON.parse(body).name) };
    if (method === 'DELETE') return { status: keys.delete(id ?? '') ? 204 : 404 };
    return { status: 200, body: [...keys.values()] };
  };
  const answer = ({ method, path, headers, body }: Got): Answer => {
    if (headers.authorization !== 'Bearer auth-token')
      return { status: 401, body: { detail: 'Invalid token' } };
    const keys = /^\/api\/0\/projects\/org\/([^/]+)\/keys\/(?:([^/]+)\/)?$/.exec(path);
    if (keys) return answerForKeys(method, keys.slice(1).filter(Boolean), body);
    if (path === '/api/0/teams/org/crew/projects/' && method === 'POST') {
      projects.set(JSON.parse(body).slug, new Map());
      return { status: 201, body: {} };
    }
    const list = /^\/api\/0\/organizations\/org\/projects\/(?:\?cursor=(\d+))?$/.exec(path);
    return list
      ? listProjects(Number(list[1] ?? 0))
      : { status: 404, body: { detail: `nothing at ${path}` } };
  };
  return { projects, addKey, answer };
};

describe('access to Sentry', () => {
  const settings = { organization: 'org', authToken: 'auth-token', team: 'crew', keyPrefix: 'yard' };
  const clock = manualClock();
  let sentry: ReturnType<typeof fakeSentry>;
  let server: FakeParty;
  let keys: SentryKeys;
  before(async () => {
    server = await fakeParty((got) => sentry.answer(got));
  });
  after(() => server.close());
  beforeEach(() => {
    sentry = fakeSentry();
    keys = new SentryKeys(clock, { ...settings, url: `${server.url}/` });
  });

  it('creates the project and a key, and gives the same key out for a day', async () => {
    const expires = later(clock.now(), hours(48));
    const first = await keys.dsnOf('web');
    assert.deepEqual(first, {
      project: 'web',
      dsn: { secret: 'https://key1:s@sentry/1', public: 'https://key1@sentry/1' },
      expires: expires.toJSON(),
    });
    clock.advance(hours(22));
    assert.deepEqual(await keys.dsnOf('web'), first);
    clock.advance(hours(2));
    const second = await keys.dsnOf('web');
    assert.equal(second.expires, later(clock.now(), hours(48)).toJSON());
    assert.equal(sentry.projects.get('web')?.size, 2);
  });
  it('deletes its own expired keys of every page, and no others', async () => {
    for (const project of ['a', 'b', 'c']) {
      await keys.dsnOf(project);
      sentry.addKey(project, 'Default');
      sentry.addKey(project, 'yards until 2000-01-01T00:00:00.000Z');
      sentry.addKey(project, 'yard until sometime');
    }
    const purgeAll = async () => {
      while ((await keys.purge()) > 0);
    };
    const sizes = () => [...sentry.projects.values()].map(({ size }) => size);
    await purgeAll();
    assert.deepEqual(sizes(), [4, 4, 4]);
    clock.advance(hours(49));
    await purgeAll();
    assert.deepEqual(sizes(), [3, 3, 3]);
    await purgeAll();
    assert.deepEqual(sizes(), [3, 3, 3]);
  });
  it('fails with the message of Sentry', async () => {
    const stranger = new SentryKeys(clock, { ...settings, authToken: 'wrong', url: server.url });
    await assert.rejects(stranger.dsnOf('web'), /Sentry answered 401: Invalid token/);
    await assert.rejects(stranger.purge(), /Sentry answered 401/);
  });
  it('says what to configure when nothing is configured, and purges nothing', async () => {
    const none = new SentryKeys(clock, undefined);
    await assert.rejects(none.dsnOf('web'), {
      code: 'ResourceNotFound',
      message: /sentry\.organization/,
    });
    assert.equal(await none.purge(), 0);
  });
});
