import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { days, later, minutes, seconds, slugid } from '../base/index.ts';
import { type Answered, rootUrl, type TestIndex, testIndex } from './testing.ts';

let t: TestIndex;
before(async () => {
  t = await testIndex();
});
after(() => t.close());

let roots = 0;
/** A namespace that no other test uses. */
const aRoot = () => `root${++roots}`;
const anEntry = (rest: object = {}) => ({
  taskId: slugid(),
  rank: 0,
  data: { a: 1 },
  expires: later(t.clock.now(), days(10)).toJSON(),
  ...rest,
});
const insert = (path: string, rest: object = {}, scopes = ['*']) =>
  t.ask('PUT', `task/${path}`, { body: anEntry(rest), scopes });
const find = (path: string) => t.ask('GET', `task/${path}`);
const rankAt = async (path: string) => (await find(path)).body.rank;

const pathsIn = ({ body }: Answered): string[] =>
  (body.tasks as { namespace: string }[]).map(({ namespace }) => namespace);
const namesIn = ({ body }: Answered): string[] =>
  (body.namespaces as { name: string }[]).map(({ name }) => name);

/** All pages of a listing, two rows each. */
const pagesOf = async (ask: (query: string) => Promise<Answered>): Promise<Answered[]> => {
  const pages = [await ask('limit=2')];
  for (let token = pages[0]?.body.continuationToken; token; token = pages.at(-1)?.body.continuationToken) {
    pages.push(await ask(`limit=2&continuationToken=${token}`));
  }
  return pages;
};

describe('a task at a path', () => {
  it('is found at once, as it was put there', async () => {
    const path = `${aRoot()}.a.b`;
    const entry = anEntry({ data: { text: 'ä\u{1f600}', list: [1, null] } });
    const put = await t.ask('PUT', `task/${path}`, { body: entry });
    assert.deepEqual([put.status, put.body], [200, { namespace: path, ...entry }]);
    assert.deepEqual((await find(path)).body, put.body);
    assert.deepEqual((await t.ask('PUT', `task/${path}`, { body: entry })).body, put.body);
  });

  it('is replaced by an equal or higher rank, and the reply shows the entry that is kept', async () => {
    const path = aRoot();
    for (const [rank, standing] of [
      [2, 2],
      [1, 2],
      [2, 2],
      [3, 3],
      [-1, 3],
    ]) {
      const taskId = slugid();
      const { body } = await insert(path, { rank, taskId });
      assert.equal(body.rank, standing);
      assert.equal(body.taskId === taskId, rank === standing);
    }
  });

  it('is not found when it has expired, and then blocks no other', async () => {
    const path = aRoot();
    const expires = later(t.clock.now(), minutes(1)).toJSON();
    await insert(path, { rank: 9, expires });
    assert.equal(await rankAt(path), 9);
    t.clock.advance(minutes(1));
    const gone = await find(path);
    assert.deepEqual([gone.status, gone.code], [404, 'ResourceNotFound']);
    await insert(path, { rank: 1 });
    assert.equal(await rankAt(path), 1);
  });

  it('may have expired before', async () => {
    const path = aRoot();
    const expires = later(t.clock.now(), -seconds(1)).toJSON();
    assert.equal((await insert(path, { expires })).body.expires, expires);
    assert.equal((await find(path)).status, 404);
  });

  it('is removed, twice, and its namespace stays', async () => {
    const root = aRoot();
    await insert(`${root}.sub.x`);
    for (const _ of [1, 2]) {
      const { status, body } = await t.ask('DELETE', `task/${root}.sub.x`);
      assert.deepEqual([status, body], [200, {}]);
    }
    assert.equal((await find(`${root}.sub.x`)).status, 404);
    assert.deepEqual(namesIn(await t.ask('GET', `namespaces/${root}`)), ['sub']);
  });

  it('is refused with a rank that is not whole, with large data, and with fields that are wrong', async () => {
    const refusal = async (rest: object, path = aRoot()) => (await insert(path, rest)).code;
    assert.equal(await refusal({ rank: 1.5 }), 'InputError');
    assert.equal(await refusal({ data: { x: 'x'.repeat(33_000) } }), 'InputError');
    for (const rest of [{ taskId: 'x' }, { rank: '1' }, { data: [] }, { expires: 'soon' }, { more: 1 }]) {
      assert.equal(await refusal(rest), 'InputValidationError', JSON.stringify(rest));
    }
    for (const path of ['a..b', '.a', 'a.', 'a%20b', 'x'.repeat(256)]) {
      assert.equal(await refusal({}, path), 'InvalidRequestArguments', path);
    }
  });
});

describe('entries that come together', () => {
  it('are judged in the order of their arrival', async () => {
    const path = aRoot();
    const ids = Array.from({ length: 20 }, () => slugid());
    const entries = ids.map((taskId, i) => ({ path, ...anEntry({ taskId, rank: i % 4 }) }));
    const answers = await Promise.all(entries.map((entry) => t.index.insertTask(entry)));
    assert.equal((await find(path)).body.taskId, ids[19]);
    assert.equal(answers[19]?.taskId, ids[19]);
  });

  it('harm each other in no order', async () => {
    const root = aRoot();
    const paths = Array.from({ length: 30 }, (_, i) => `${root}.n${i % 5}.t${i % 7}`);
    const shuffled = (turn: number) => [...paths.slice(turn), ...paths.slice(0, turn)];
    const rounds = Array.from({ length: 10 }, (_, turn) =>
      Promise.all(shuffled(turn).map((path) => t.index.insertTask({ path, ...anEntry({ rank: turn }) }))),
    );
    await Promise.all(rounds);
    for (const path of paths) assert.equal(await rankAt(path), 9);
  });

  it('are refused one by one', async () => {
    const root = aRoot();
    const [good, bad] = await Promise.allSettled([
      t.index.insertTask({ path: `${root}.a`, ...anEntry() }),
      t.index.insertTask({ path: `${root}.b`, ...anEntry({ rank: 0.5 }) }),
    ]);
    assert.deepEqual([good.status, bad.status], ['fulfilled', 'rejected']);
    assert.deepEqual(pathsIn(await t.ask('GET', `tasks/${root}`)), [`${root}.a`]);
  });
});

describe('listings', () => {
  it('show the entries of a namespace itself', async () => {
    const root = aRoot();
    for (const path of ['b', 'a', 'sub.x', 'sub.deep.y', 'other.z']) await insert(`${root}.${path}`);
    const tasks = await t.ask('GET', `tasks/${root}`);
    assert.deepEqual(pathsIn(tasks), [`${root}.a`, `${root}.b`]);
    const namespaces = await t.ask('GET', `namespaces/${root}`);
    assert.deepEqual(namesIn(namespaces), ['other', 'sub']);
    assert.deepEqual(namesIn(await t.ask('GET', `namespaces/${root}.sub`)), ['deep']);
    assert.deepEqual((await t.ask('GET', `tasks/${root}.nothing`)).body, { tasks: [] });
  });

  it('come in pages', async () => {
    const root = aRoot();
    const words = ['a', 'b', 'c', 'd', 'e'];
    for (const word of words) await Promise.all([insert(`${root}.${word}`), insert(`${root}.${word}.x`)]);
    const tasks = await pagesOf((query) => t.ask('GET', `tasks/${root}?${query}`));
    assert.deepEqual(
      tasks.flatMap(pathsIn),
      words.map((word) => `${root}.${word}`),
    );
    assert.equal(tasks.length, 3);
    const namespaces = await pagesOf((query) => t.ask('GET', `namespaces/${root}?${query}`));
    assert.deepEqual(namespaces.flatMap(namesIn), words);
    assert.equal((await t.ask('GET', `tasks/${root}?continuationToken=x`)).status, 400);
  });

  it('of the root are asked for with an empty path', async () => {
    const root = aRoot();
    await Promise.all([insert(root), insert(`${root}.x`)]);
    for (const path of ['tasks', 'tasks/']) assert.ok(pathsIn(await t.ask('GET', path)).includes(root));
    for (const path of ['namespaces', 'namespaces/']) {
      assert.ok(namesIn(await t.ask('GET', path)).includes(root));
    }
  });

  it('are given to old clients that ask by POST, with the page in the body', async () => {
    const root = aRoot();
    for (const word of ['a', 'b', 'c']) await insert(`${root}.${word}.x`);
    const first = await t.ask('POST', `namespaces/${root}`, { body: { limit: 2 } });
    assert.deepEqual(namesIn(first), ['a', 'b']);
    const { continuationToken } = first.body;
    const rest = await t.ask('POST', `namespaces/${root}`, { body: { continuationToken } });
    assert.deepEqual(namesIn(rest), ['c']);
    assert.deepEqual(pathsIn(await t.ask('POST', `tasks/${root}.a`, { body: {} })), [`${root}.a.x`]);
    for (const word of ['a', 'b', 'c']) await insert(`${root}.${word}`);
    // A listing of tasks never had a schema for its body.
    for (const asked of [{}, { body: { namespace: root, limit: 'many' } }])
      assert.equal(pathsIn(await t.ask('POST', `tasks/${root}`, asked)).length, 3);
    const two = await t.ask('POST', `tasks/${root}`, { body: { limit: 2 } });
    const third = { body: { continuationToken: two.body.continuationToken } };
    assert.deepEqual(pathsIn(await t.ask('POST', `tasks/${root}`, third)), [`${root}.c`]);
    assert.equal((await t.ask('POST', `namespaces/${root}`, { body: { more: 1 } })).status, 400);
    assert.ok(namesIn(await t.ask('POST', 'namespaces/', { body: {} })).includes(root));
    await insert(root);
    for (const path of ['tasks', 'tasks/']) assert.ok(pathsIn(await t.ask('POST', path)).includes(root));
  });

  it('leave out what has expired', async () => {
    const root = aRoot();
    const expires = later(t.clock.now(), minutes(1)).toJSON();
    await insert(`${root}.old.x`, { expires });
    await insert(`${root}.x`, { expires });
    await insert(`${root}.new.x`);
    t.clock.advance(days(1) + minutes(1));
    assert.deepEqual(namesIn(await t.ask('GET', `namespaces/${root}`)), ['new']);
    assert.deepEqual(pathsIn(await t.ask('GET', `tasks/${root}`)), []);
  });

  it('show a namespace that lasts as long as any time that can be written', async () => {
    await t.index.insertTask({ ...anEntry(), path: 'last.day.of', expires: '9999-12-31T12:00:00.000Z' });
    const { namespaces } = await t.index.listNamespaces({ namespace: 'last' });
    assert.deepEqual(namespaces, [
      { namespace: 'last.day', name: 'day', expires: '9999-12-31T23:59:59.999Z' },
    ]);
  });

  it('keep a namespace as long as the entry in it that lasts longest', async () => {
    const root = aRoot();
    await insert(`${root}.sub.x`, { expires: later(t.clock.now(), days(9)).toJSON() });
    await insert(`${root}.sub.y`, { expires: later(t.clock.now(), days(2)).toJSON() });
    const { body } = await t.ask('GET', `namespaces/${root}`);
    const [{ expires }] = body.namespaces as [{ expires: string }];
    const left = Date.parse(expires) - t.clock.now().getTime();
    assert.ok(left >= days(9) && left < days(10));
    assert.match(expires, /T00:00:00.000Z$/);
  });
});

describe('many paths at once', () => {
  const findMany = (indexes: string[], query = '', scopes = ['*']) =>
    t.ask('POST', `tasks/indexes?${query}`, { body: { indexes }, scopes });

  it('give the tasks that are there, each once', async () => {
    const root = aRoot();
    await Promise.all([insert(`${root}.a`), insert(`${root}.b`), insert(root)]);
    const found = await findMany([`${root}.b`, `${root}.c`, root, `${root}.a`, `${root}.a`, 'no path', '']);
    assert.deepEqual(pathsIn(found), [root, `${root}.a`, `${root}.b`]);
    assert.deepEqual((await findMany([])).body, { tasks: [] });
    assert.deepEqual((await t.ask('POST', 'tasks/indexes', { body: {} })).body, { tasks: [] });
  });

  it('come in pages', async () => {
    const root = aRoot();
    const paths = ['a', 'b', 'c', 'd', 'e'].map((word) => `${root}.${word}`);
    await Promise.all(paths.map((path) => insert(path)));
    const pages = await pagesOf((query) => findMany([...paths].reverse(), query));
    assert.deepEqual(pages.flatMap(pathsIn), paths);
    assert.equal(pages.length, 3);
  });

  it('need the scope of each', async () => {
    const scopes = ['index:find-task:a.*'];
    assert.equal((await findMany(['a.b', 'a.c'], '', scopes)).status, 200);
    assert.equal((await findMany(['a.b', 'b.c'], '', scopes)).status, 403);
  });
});

it('each method asks for its scope', async () => {
  const root = aRoot();
  const body = anEntry();
  const calls = [
    ['PUT', `task/${root}`, `index:insert-task:${root}`, body],
    ['GET', `task/${root}`, `index:find-task:${root}`],
    ['GET', `tasks/${root}`, `index:list-tasks:${root}`],
    ['POST', `tasks/${root}`, `index:list-tasks:${root}`, {}],
    ['GET', 'tasks', 'index:list-tasks:'],
    ['GET', 'tasks/', 'index:list-tasks:'],
    ['POST', 'tasks', 'index:list-tasks:', {}],
    ['POST', 'namespaces', 'index:list-namespaces:', {}],
    ['GET', `namespaces/${root}`, `index:list-namespaces:${root}`],
    ['POST', `namespaces/${root}`, `index:list-namespaces:${root}`, {}],
    ['GET', 'namespaces', 'index:list-namespaces:'],
    ['GET', `task/${root}/artifacts/a/b`, 'queue:get-artifact:a/b'],
    ['DELETE', `task/${root}`, `index:delete-task:${root}`],
  ] as const;
  for (const [method, path, scope, given] of calls) {
    const asked = given ? { body: given } : {};
    const refused = await t.ask(method, path, { ...asked, scopes: [`${scope}x`] });
    assert.equal(refused.status, 403, `${method} ${path}`);
    const { status } = await t.ask(method, path, { ...asked, scopes: [scope] });
    assert.ok([200, 303].includes(status), `${method} ${path}: ${status}`);
  }
});

describe('an artifact of an indexed task', () => {
  const artifact = async (name: string, scopes = ['*']) => {
    const path = aRoot();
    const taskId = slugid();
    await insert(path, { taskId });
    return { taskId, ...(await t.ask('GET', `task/${path}/artifacts/${name}`, { scopes })) };
  };
  const getting = (location: string) => {
    const { host, pathname, search } = new URL(location);
    return t.auth.authenticate({ method: 'GET', url: pathname + search, headers: { host } });
  };

  it('is asked for at the queue, where everybody may read it', async () => {
    const { status, location, taskId } = await artifact('public/a%20b.txt');
    assert.equal(status, 303);
    assert.equal(location, `${rootUrl}/api/queue/v1/task/${taskId}/artifacts/public/a%20b.txt`);
  });

  it('is led to by exactly its name, also where clients would take steps out of the path', async () => {
    for (const name of ['public/a//b', 'public/../x', 'public/a%2Fb', 'public/']) {
      const { location, taskId } = await artifact(encodeURIComponent(name));
      const { pathname } = new URL(location);
      assert.equal(decodeURIComponent(pathname), `/api/queue/v1/task/${taskId}/artifacts/${name}`);
    }
  });

  it('is led to in words, since clients keep the location from callers who get JSON', async () => {
    const { status, isJson } = await artifact('public/x');
    assert.deepEqual([status, isJson], [303, false]);
  });

  it('is signed for otherwise, with what the caller may read, for a quarter of an hour', async () => {
    const scopes = ['queue:get-artifact:private/*', 'queue:create-task:*'];
    const { status, location, taskId } = await artifact('private/x', scopes);
    assert.equal(status, 303);
    assert.ok(location.startsWith(`${rootUrl}/api/queue/v1/task/${taskId}/artifacts/private/x?bewit=`));
    const caller = await getting(location);
    assert.equal(caller.satisfies('queue:get-artifact:private/x'), true);
    assert.equal(caller.satisfies('queue:get-artifact:secret'), false);
    assert.equal(caller.satisfies('queue:create-task:x'), false);
    await assert.rejects(getting(location.replace('private/x', 'private/y')), {
      code: 'AuthenticationFailed',
    });
    t.clock.advance(minutes(15) + seconds(1));
    await assert.rejects(getting(location), { code: 'AuthenticationFailed' });
  });

  it('is a 404 at an empty path', async () => {
    assert.equal((await t.ask('GET', `task/${aRoot()}/artifacts/public/x`)).status, 404);
  });
});

describe('a task that completes', () => {
  it('is put at the paths of its routes', async () => {
    const root = aRoot();
    const expires = later(t.clock.now(), days(3)).toJSON();
    const routes = [`index.${root}.a`, `index.${root}.b.c`, 'other.x'];
    const taskId = await t.finishedTask({ routes, expires });
    await t.listen();
    const entry = { taskId, rank: 0, data: {}, expires };
    assert.deepEqual((await find(`${root}.a`)).body, { namespace: `${root}.a`, ...entry });
    assert.deepEqual((await find(`${root}.b.c`)).body, { namespace: `${root}.b.c`, ...entry });
    assert.deepEqual(namesIn(await t.ask('GET', `namespaces/${root}`)), ['b']);
  });

  it('says its rank, data and expiry in extra.index', async () => {
    const path = aRoot();
    const expires = later(t.clock.now(), days(2)).toJSON();
    const index = { rank: 5, data: { k: 'v' }, expires };
    const taskId = await t.finishedTask({ routes: [`index.${path}`], extra: { index } });
    await t.listen();
    assert.deepEqual((await find(path)).body, { namespace: path, taskId, ...index });
  });

  it('is outlived by no entry, whoever puts it into the index', async () => {
    const [byRoute, byCall] = [aRoot(), aRoot()];
    const expires = later(t.clock.now(), days(3)).toJSON();
    const wish = { expires: later(t.clock.now(), days(30)).toJSON() };
    const routes = [`index.${byRoute}`];
    const taskId = await t.finishedTask({ routes, expires, extra: { index: wish } });
    await t.listen();
    assert.equal((await find(byRoute)).body.expires, expires);
    assert.equal((await insert(byCall, { taskId, ...wish })).body.expires, expires);
    assert.equal((await insert(aRoot(), wish)).body.expires, wish.expires);
  });

  it('replaces no higher rank', async () => {
    const path = aRoot();
    await insert(path, { rank: 1 });
    await t.finishedTask({ routes: [`index.${path}`] });
    await t.listen();
    assert.equal(await rankAt(path), 1);
  });

  it('is put where it makes sense, among others that do not', async () => {
    const root = aRoot();
    await t.finishedTask({ routes: [`index.${root}.bad`], extra: { index: { rank: 1.5 } } });
    await t.finishedTask({ routes: ['index.a..b', 'index.', `index.${root}.good`] });
    const gone = await t.finishedTask({ routes: [`index.${root}.gone`] });
    await t.db`delete from tasks where task_id = ${gone}`;
    await t.listen();
    assert.deepEqual(pathsIn(await t.ask('GET', `tasks/${root}`)), [`${root}.good`]);
  });

  it('is one of many that come together', async () => {
    const root = aRoot();
    const turns = Array.from({ length: 40 }, (_, i) => i);
    const ids: string[] = [];
    for (const i of turns) {
      ids.push(await t.finishedTask({ routes: [`index.${root}.latest`, `index.${root}.by-number.${i}`] }));
    }
    await t.listen();
    assert.equal((await find(`${root}.latest`)).body.taskId, ids.at(-1));
    for (const i of turns) assert.equal((await find(`${root}.by-number.${i}`)).body.taskId, ids[i]);
  });

  it('must have completed', async () => {
    const path = aRoot();
    await t.finishedTask({ routes: [`index.${path}`] }, 'failed');
    await t.listen();
    assert.equal((await find(path)).status, 404);
  });
});

it('the loops delete what has expired, and nothing else', async () => {
  const root = aRoot();
  await insert(`${root}.old.x`, { expires: later(t.clock.now(), minutes(1)).toJSON() });
  await insert(`${root}.new.x`, { expires: later(t.clock.now(), days(20)).toJSON() });
  t.clock.advance(days(12));
  assert.ok((await t.step('expire-indexed-tasks')) > 0);
  assert.equal(await t.step('expire-indexed-tasks'), 0);
  assert.ok((await t.step('expire-index-namespaces')) > 0);
  assert.equal(await t.step('expire-index-namespaces'), 0);
  const tasks = await t.db<{ namespace: string }>`
    select namespace from indexed_tasks where starts_with(namespace, ${root})`;
  assert.deepEqual(tasks, [{ namespace: `${root}.new` }]);
  const namespaces = await t.db<{ name: string }>`
    select name from index_namespaces where parent = ${root} or name = ${root} order by parent, name`;
  assert.deepEqual(namespaces, [{ name: root }, { name: 'new' }]);
});
