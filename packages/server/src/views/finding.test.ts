import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { hours, slugid } from '../base/index.ts';
import { type TestViews, testViews } from './testing.ts';

let t: TestViews;
before(async () => {
  t = await testViews();
});
after(() => t.close());

interface Found {
  readonly taskGroupId: string;
  readonly taskId: string;
}

/** All pages of a listing. */
const all = async (path: string, list: 'groups' | 'tasks', limit?: number): Promise<Found[]> => {
  const found: Found[] = [];
  let token = '';
  do {
    const page = limit === undefined ? '' : `&limit=${limit}`;
    const { status, body } = await t.get(`${path}${page}${token}`);
    assert.equal(status, 200, JSON.stringify(body));
    found.push(...(body[list] as Found[]));
    const { continuationToken } = body;
    token = continuationToken === undefined ? '' : `&continuationToken=${continuationToken}`;
  } while (token);
  return found;
};

const groupsIn = async (query: string, limit?: number) =>
  (await all(`task-groups?${query}`, 'groups', limit)).map(({ taskGroupId }) => taskGroupId);
const tasksIn = async (query: string, limit?: number) =>
  (await all(`tasks?${query}`, 'tasks', limit)).map(({ taskId }) => taskId);

describe('finding groups', () => {
  it('lists the newest first, by name, owner, age and failures, in pages', async () => {
    const [old, failed, named] = [slugid(), slugid(), slugid()];
    await t.aTask({ taskGroupId: old, name: 'zebra one' });
    t.clock.advance(hours(1));
    const since = t.clock.now().toJSON();
    const bad = await t.aTask({ taskGroupId: failed, name: 'zebra two' });
    await t.end(bad, 'failed');
    t.clock.advance(1);
    const owner = { name: '', description: '', owner: 'z@example.com', source: 'https://example.com/' };
    await t.aTask({ taskGroupId: named, name: 'x', tags: { graph: 'Zebra "three"' }, metadata: owner });
    assert.deepEqual(await groupsIn('name=zebra'), [named, failed, old]);
    assert.deepEqual(await groupsIn('name=zebra', 1), [named, failed, old]);
    assert.deepEqual(await groupsIn('name=zebra&failed=true'), [failed]);
    assert.deepEqual(await groupsIn(`name=zebra&since=${since}`), [named, failed]);
    assert.deepEqual(await groupsIn('owner=z@example.com'), [named]);
    const { body } = await t.get('task-groups?limit=1');
    assert.deepEqual(body.groups, [
      {
        taskGroupId: named,
        name: 'Zebra "three"',
        owner: 'z@example.com',
        created: t.clock.now().toJSON(),
        counts: { pending: 1 },
      },
    ]);
  });

  it('counts no failed upload of a source among failures', async () => {
    const sources = slugid();
    const common = { taskGroupId: sources, tags: { graph: 'upload' } };
    const upload = await t.aTask({ ...common, taskQueueId: 'graph/source' });
    await t.end(upload, 'failed');
    assert.deepEqual(await groupsIn('name=upload&failed=true'), []);
    assert.deepEqual(await groupsIn('name=upload'), [sources]);
    const other = await t.aTask(common);
    await t.end(other, 'failed');
    assert.deepEqual(await groupsIn('name=upload&failed=true'), [sources]);
  });

  it('continues after groups that do not match', async () => {
    const wanted = slugid();
    await t.aTask({ taskGroupId: wanted, name: 'needle' });
    t.clock.advance(1);
    for (let count = 0; count < 120; count++) await t.aTask({ taskGroupId: slugid(), name: 'hay' });
    const { body } = await t.get('task-groups?name=needle');
    assert.deepEqual(body.groups, []);
    assert.deepEqual(await groupsIn('name=needle'), [wanted]);
  });
});

describe('finding tasks', () => {
  it('searches all groups by state, queue, name, route and tag, in pages', async () => {
    const [first, second] = [slugid(), slugid()];
    const one = await t.aTask({ taskGroupId: first, taskQueueId: 'find/here', name: 'find me' });
    t.clock.advance(1);
    const fields = { taskGroupId: second, taskQueueId: 'find/here' };
    const two = await t.aTask({ ...fields, name: 'other', routes: ['index.find.it'] });
    const three = await t.aTask({ ...fields, name: 'other', tags: { kind: 'a=b' } });
    await t.end(two, 'failed');
    const newest = [two, three].sort();
    for (const limit of [undefined, 1, 2]) {
      assert.deepEqual(await tasksIn('taskQueueId=find/here', limit), [...newest, one]);
    }
    assert.deepEqual(await tasksIn('taskQueueId=find/here&state=failed'), [two]);
    assert.deepEqual(await tasksIn('taskQueueId=find/here&name=FIND'), [one]);
    assert.deepEqual(await tasksIn('route=index.find.it'), [two]);
    assert.deepEqual(await tasksIn('tag=kind=a=b'), [three]);
  });

  it('refuses empty filters, and callers without the scope', async () => {
    for (const query of ['state=odd', 'since=yesterday', 'since=2024-99-01T00:00:00Z', 'tag=x']) {
      const { status, body } = await t.get(`tasks?${query}`);
      assert.equal(status, 400);
      assert.match(String(body.message), new RegExp(query.split('=')[0] as string));
    }
    for (const path of ['tasks', 'task-groups']) assert.equal((await t.get(path, [])).status, 403);
    assert.equal((await t.get('tasks', ['views:list-tasks'])).status, 200);
    assert.equal((await t.get('task-groups', ['views:list-groups'])).status, 200);
  });
});
