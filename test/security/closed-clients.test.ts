import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { slugid } from '@taskyard/client';
import type { Keys } from './hawk.ts';
import { aSite, type Site } from './site.ts';
import { aTask, hourFromNow } from './world.ts';

const [auth, queue, scheduler] = ['/api/auth/v1', '/api/queue/v1', '/api/scheduler/v1'];

let site: Site;
const endings: (() => Promise<void>)[] = [];
before(async () => {
  site = await aSite({ after: (end) => endings.push(end) });
});
after(async () => {
  for (const end of endings) await end();
});

let clients = 0;
const pathOf = ({ clientId }: Keys): string => `${auth}/clients/${encodeURIComponent(clientId)}`;
const thing = (scopes: readonly string[]) => ({ description: '', expires: hourFromNow(24), scopes });

const aClient = async (...scopes: string[]): Promise<Keys> => {
  const clientId = `closed/${++clients}`;
  const { body } = await site.prepare('PUT', pathOf({ clientId, accessToken: '' }), thing(scopes));
  return { clientId, accessToken: body.accessToken as string };
};

const node = () => ({ taskId: slugid(), task: aTask({ schedulerId: 'task-graph-scheduler' }) });
const tasks = ['queue:create-task:*', 'queue:scheduler-id:*'];

const closings: Readonly<Record<string, (client: Keys) => Promise<unknown>>> = {
  disabled: (client) => site.prepare('POST', `${pathOf(client)}/disable`),
  deleted: (client) => site.prepare('DELETE', pathOf(client)),
  expired: (client) => site.prepare('POST', pathOf(client), { ...thing(tasks), expires: hourFromNow(-1) }),
};

describe('the task graphs of a client', () => {
  for (const [how, close] of Object.entries(closings)) {
    it(`can be closed for good when the client is ${how}, by an operator with the scopes`, async () => {
      const creator = await aClient('scheduler:create-task-graph', ...tasks);
      const taskGraphId = slugid();
      const graph = `${scheduler}/task-graph/${taskGraphId}`;
      const group = `${queue}/task-group/${taskGraphId}`;
      const body = {
        scopes: tasks,
        tasks: [node()],
        metadata: {
          name: 'a graph',
          description: '',
          owner: 'a@example.com',
          source: 'https://example.com/',
        },
      };
      const created = await site.ask({ as: creator, method: 'PUT', path: graph, body });
      assert.equal(created.status, 200, created.text);
      await close(creator);
      assert.equal((await site.ask({ as: creator, method: 'PUT', path: graph, body })).status, 401);

      const extender = await aClient(`scheduler:extend-task-graph:${taskGraphId}`);
      const extend = () =>
        site.ask({ as: extender, method: 'POST', path: `${graph}/extend`, body: { tasks: [node()] } });
      assert.equal((await extend()).status, 200, 'the graph still has its scopes');

      const operator = await aClient(
        `queue:seal-task-group:task-graph-scheduler/${taskGraphId}`,
        `queue:cancel-task-group:task-graph-scheduler/${taskGraphId}`,
      );
      const act = (as: Keys, verb: string) => site.ask({ as, method: 'POST', path: `${group}/${verb}` });
      assert.equal((await act(extender, 'seal')).status, 403);
      assert.equal((await act(operator, 'seal')).status, 200);
      const refused = await extend();
      assert.equal(refused.status, 409, refused.text);
      const canceled = await act(operator, 'cancel');
      assert.equal(canceled.status, 200, canceled.text);
      const listed = await site.prepare('GET', `${group}/list`);
      const states = (listed.body.tasks as { status: { state: string } }[]).map(({ status }) => status.state);
      assert.deepEqual(states, ['exception', 'exception']);
    });
  }
});
