import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MistakesError, parseSource } from '@taskyard/taskcluster-yml/template';
import { graphOf } from './load.ts';

const load = (tasks: object) => {
  let count = 0;
  const slugid = () => `AAAAAAAAQ-${String(count++).padStart(11, 'C')}A`;
  const options = { params: {}, now: new Date(0), slugid, taskQueueId: 'local/default' };
  return graphOf(parseSource('graph.yml', JSON.stringify({ name: 'x', tasks })), options);
};

const mistakesOf = (task: object): string[] => {
  try {
    load({ t: task });
  } catch (error) {
    assert.ok(error instanceof MistakesError, String(error));
    return error.mistakes.map(({ message }) => message);
  }
  return [];
};

const other = 'AAAAAAAAQ-CAAAAAAAAAAA';
const mount = (content: object) => ({ mounts: [{ file: 'f', content }] });
const cache = { mounts: [{ cacheName: 'npm', directory: '.npm' }] };

describe('the scopes of tasks', () => {
  it('include those to read artifacts of other tasks of the graph', () => {
    const artifacts = [{ type: 'file', path: 'a', name: 'private/a' }];
    const content = { taskId: `\${taskId('build')}`, artifact: 'private/a' };
    const test = { run: 'test', needs: ['build'], payload: mount(content) };
    const scopesOf = (scopes: object) =>
      load({ build: { run: 'make', payload: { artifacts } }, test: { ...test, ...scopes } }).tasks.find(
        ({ label }) => label === 'test',
      )?.task.scopes;
    assert.deepEqual(scopesOf({}), ['queue:get-artifact:private/a']);
    assert.deepEqual(scopesOf({ scopes: ['other'] }), ['other', 'queue:get-artifact:private/a']);
    assert.deepEqual(scopesOf({ scopes: ['queue:get-artifact:*'] }), ['queue:get-artifact:*']);
  });

  it('are printed as one line when the file must contain them', () => {
    const line = (task: object, ...scopes: string[]): void => {
      const [message = '', ...more] = mistakesOf(task);
      assert.deepEqual(more, []);
      const list = scopes.map((scope) => JSON.stringify(scope)).join(', ');
      assert.ok(message.endsWith(`; write in the task: scopes: [${list}]`), message);
      assert.deepEqual(mistakesOf({ ...task, scopes }), []);
    };
    line({ run: 'make', payload: cache }, 'generic-worker:cache:npm');
    line({ run: 'make', payload: cache, scopes: ['other'] }, 'other', 'generic-worker:cache:npm');
    line(
      { run: 'make', dependencies: [other], payload: mount({ taskId: other, artifact: 'private/a' }) },
      'queue:get-artifact:private/a',
    );
    line(
      { run: 'make', payload: mount({ namespace: 'app.latest', artifact: 'private/a' }) },
      'queue:get-artifact:private/a',
      'index:find-task:app.latest',
    );
    line({ payload: { image: 'debian', maxRunTime: 60, cache: { npm: '/npm' } } }, 'docker-worker:cache:npm');
    line(
      { run: 'curl -fs "$TASKCLUSTER_PROXY_URL/api/secrets/v1/secret/team/key" | sh' },
      'secrets:get:team/key',
    );
  });

  it('are left to the author when only the server knows them', () => {
    assert.deepEqual(mistakesOf({ run: 'make', payload: cache, scopes: ['assume:repo'] }), []);
    assert.deepEqual(mistakesOf({ run: `curl "$PROXY/api/secrets/v1/secret/team/$NAME"` }), []);
    const content = { taskId: other, artifact: 'public/a' };
    assert.deepEqual(mistakesOf({ run: 'make', dependencies: [other], payload: mount(content) }), []);
  });
});
