import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { eventually } from '@taskyard/patience';
import { seconds, slugid } from '../base/index.ts';
import { type TestViews, testViews } from './testing.ts';

let t: TestViews;
before(async () => {
  t = await testViews();
});
beforeEach(() => {
  t.everybody.splice(0);
});
after(() => t.close());

interface Profile {
  readonly meta: {
    readonly startTime: number;
    readonly product: string;
    readonly preprocessedProfileVersion: number;
    readonly categories: readonly unknown[];
    readonly markerSchema: readonly { readonly name: string }[];
  };
  readonly threads: readonly {
    readonly name: string;
    readonly stringArray: readonly string[];
    readonly markers: {
      readonly length: number;
      readonly name: readonly number[];
      readonly startTime: readonly number[];
      readonly endTime: readonly (number | null)[];
      readonly phase: readonly number[];
      readonly category: readonly number[];
      readonly data: readonly Readonly<Record<string, unknown>>[];
    };
  }[];
}

/** The markers of a profile, row by row. The profiler reads columns that are all of one length. */
const rowsOf = (body: unknown) => {
  const { meta, threads } = body as Profile;
  assert.equal(threads.length, 1);
  const [thread] = threads;
  const { markers, stringArray = [] } = thread ?? assert.fail();
  const { length, ...columns } = markers;
  for (const [name, column] of Object.entries(columns)) assert.equal(column.length, length, name);
  const types = meta.markerSchema.map(({ name }) => name);
  return Array.from({ length }, (_, i) => {
    const data = markers.data[i] ?? {};
    assert.ok(types.includes(String(data.type)), String(data.type));
    assert.ok((markers.category[i] ?? 99) < meta.categories.length);
    const message = typeof data.message === 'number' ? stringArray[data.message] : undefined;
    return {
      name: stringArray[markers.name[i] ?? -1],
      start: markers.startTime[i],
      end: markers.endTime[i],
      phase: markers.phase[i],
      data,
      message,
    };
  });
};

describe('the profile of a group', () => {
  it('shows when its runs ran, to everybody who may list the group', async () => {
    const taskGroupId = slugid();
    const of = { taskGroupId, schedulerId: 'sched' };
    const first = await t.aTask({ ...of, name: 'first' });
    const begun = t.clock.now().getTime();
    await t.claim(first);
    t.clock.advance(seconds(2));
    await t.queue.resolveRuns.one({ taskId: first, runId: 0, end: 'completed' });
    const action = await t.aTask({ ...of, name: 'Action: retrigger' });
    await t.claim(action);
    t.clock.advance(seconds(3));
    await t.queue.resolveRuns.one({ taskId: action, runId: 0, end: 'failed' });
    const running = await t.aTask({ ...of, name: 'running' });
    const path = `task-group/${taskGroupId}/profile`;
    assert.equal((await t.profile(path)).status, 403);
    t.everybody.push('queue:list-task-group:*');
    const open = await t.profile(path);
    assert.deepEqual([open.status, open.cacheControl], [200, 'no-cache']);
    await t.claim(running);
    t.clock.advance(seconds(1));
    const { body } = await t.profile(path);
    const { meta } = body as unknown as Profile;
    assert.equal(meta.startTime, begun);
    assert.match(meta.product, new RegExp(taskGroupId));
    assert.equal(meta.preprocessedProfileVersion, 47);
    const shown = rowsOf(body).map(({ name, start, end, phase, data }) => [
      name,
      start,
      end,
      phase,
      data.name,
    ]);
    assert.deepEqual(shown, [
      ['TaskGroup', 0, null, 2, taskGroupId],
      ['TaskGroup (no actions)', 0, null, 2, taskGroupId],
      ['Task', 0, 2000, 1, 'first'],
      ['Task (failed)', 2000, 5000, 1, 'Action: retrigger (run 0)'],
      ['Task (running)', 5000, 6000, 1, 'running (run 0)'],
    ]);
    await t.queue.resolveRuns.one({ taskId: running, runId: 0, end: 'completed' });
    const over = await t.profile(path);
    assert.equal(over.cacheControl, 'public, max-age=86400');
    assert.deepEqual(
      rowsOf(over.body)
        .slice(0, 2)
        .map(({ end }) => end),
      [6000, 6000],
    );
  });

  it('is empty where nothing has run, and 404 without the group', async () => {
    t.everybody.push('*');
    const taskId = await t.aTask();
    const { status, body } = await t.profile(`task-group/${taskId}/profile`);
    assert.equal(status, 200);
    assert.deepEqual(rowsOf(body), []);
    assert.equal((await t.profile(`task-group/${slugid()}/profile`)).status, 404);
    assert.equal((await t.profile('task-group/no-group/profile')).status, 400);
  });

  it('is refused to those who would wait behind many others', async () => {
    t.everybody.push('queue:list-task-group:*');
    const taskGroupId = slugid();
    await t.aTask({ taskGroupId });
    const statuses: number[] = [];
    const asked = await t.db.transaction(async (tx) => {
      await tx`lock table task_groups in access exclusive mode`;
      const replies = Array.from({ length: 9 }, async () => {
        const { status } = await t.profile(`task-group/${taskGroupId}/profile`);
        statuses.push(status);
      });
      await eventually('one caller to be refused while the others wait', () => statuses.length === 1);
      return replies;
    });
    await Promise.all(asked);
    assert.deepEqual(statuses, [429, ...Array.from({ length: 8 }, () => 200)]);
  });
});

describe('the profile of a log', () => {
  const [live, backing] = ['public/logs/live.log', 'public/logs/live_backing.log'];

  it('has its lines at the times that are written in them', async () => {
    const taskId = await t.aTask({ name: 'builder' });
    const log = [
      'before any time',
      '[taskcluster 2026-03-01T12:00:00.000Z] hello',
      '[vcs:info 2026-03-01T12:00:01.500Z] [2026-03-01 12:00:01Z] cloning',
      '',
      'without a time',
      '[taskcluster:error 2026-03-01T12:00:04.000Z] bye',
      '[not-a-component 12:00] text',
    ].join('\n');
    t.texts.set(`${taskId}/${backing}`, log);
    t.everybody.push('queue:get-task:*', 'queue:status:*');
    assert.equal((await t.profile(`task/${taskId}/profile`)).status, 403);
    t.everybody.push('queue:get-artifact:public/*');
    const { status, body, cacheControl } = await t.profile(`task/${taskId}/profile`);
    assert.deepEqual([status, cacheControl], [200, 'no-cache']);
    assert.equal((body as unknown as Profile).meta.startTime, Date.parse('2026-03-01T12:00:00Z'));
    const [task, ...lines] = rowsOf(body);
    assert.deepEqual([task?.name, task?.start, task?.end, task?.data.taskId], ['builder', 0, 4000, taskId]);
    assert.deepEqual(
      lines.map(({ name, start, end, phase, message }) => [name, start, end, phase, message]),
      [
        ['no timestamp', 0, null, 0, 'before any time'],
        ['taskcluster', 0, null, 0, 'hello'],
        ['vcs', 1500, null, 0, 'cloning'],
        ['no timestamp', 1500, null, 0, 'without a time'],
        ['taskcluster', 4000, null, 0, 'bye'],
        ['no timestamp', 4000, null, 0, '[not-a-component 12:00] text'],
      ],
    );
  });

  it('is that of live.log where there is one, and 404 where there is no log or no task', async () => {
    t.everybody.push('*');
    const taskId = await t.aTask();
    assert.equal((await t.profile(`task/${taskId}/profile`)).status, 404);
    assert.equal((await t.profile(`task/${slugid()}/profile`)).status, 404);
    t.texts.set(`${taskId}/${backing}`, 'backing').set(`${taskId}/${live}`, 'live');
    await t.end(taskId, 'completed');
    const { body, cacheControl } = await t.profile(`task/${taskId}/profile`);
    assert.equal(cacheControl, 'public, max-age=86400');
    assert.deepEqual(
      rowsOf(body)
        .slice(1)
        .map(({ message }) => message),
      ['live'],
    );
  });

  it('is refused for a log that is too long', async () => {
    t.everybody.push('*');
    const taskId = await t.aTask();
    t.texts.set(`${taskId}/${live}`, 'x'.repeat(99_999).concat('\n').repeat(340));
    assert.equal((await t.profile(`task/${taskId}/profile`)).status, 413);
  });

  it('is not kept by browsers when its log could not be read to the end', async (test) => {
    t.everybody.push('*');
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('the beginning\n', () => response.destroy());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    test.after(() => server.close());
    const taskId = await t.aTask();
    t.texts.set(`${taskId}/${live}`, `http://127.0.0.1:${(server.address() as AddressInfo).port}/log`);
    await t.end(taskId, 'completed');
    const { status, cacheControl } = await t.profile(`task/${taskId}/profile`);
    assert.deepEqual([status, cacheControl], [200, 'no-cache']);
  });

  it('is refused to those who would wait behind many others', async (test) => {
    t.everybody.push('*');
    const held: ServerResponse[] = [];
    const server = createServer((_, response) => held.push(response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    test.after(() => server.close());
    const taskId = await t.aTask();
    t.texts.set(`${taskId}/${live}`, `http://127.0.0.1:${(server.address() as AddressInfo).port}/log`);
    const asked: Promise<number>[] = [];
    const statuses: number[] = [];
    for (let i = 0; i < 9; i++)
      asked.push(
        t.profile(`task/${taskId}/profile`).then(({ status }) => {
          statuses.push(status);
          return status;
        }),
      );
    await eventually('one caller to be refused while the others wait', () => statuses.length === 1);
    assert.deepEqual(statuses, [429]);
    for (let answered = 0; answered < 8; answered++) {
      const response = await eventually(`request ${answered + 1}`, () => held[answered]);
      response?.end('a line\n');
    }
    await Promise.all(asked);
    assert.deepEqual(statuses.sort(), [...Array.from({ length: 8 }, () => 200), 429]);
  });
});
