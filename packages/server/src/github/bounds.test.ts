import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { within } from '@taskyard/patience';
import { hours, minutes, seconds, transact } from '../base/index.ts';
import { takeDeliveries } from './store/index.ts';
import { payloads, readDeliveries, readTasks, type TestGithub, testGithub } from './testing/index.ts';

// What strangers, large repositories and GitHub's bad days may cost.

const { aFile, push } = payloads;
const MiB = 2 ** 20;

let test: TestGithub;
/** Where the bytes of artifacts are, by path. */
const artifacts = new Map<string, string>();
const read: string[] = [];
const store = createServer(({ url = '' }, response) => {
  read.push(url);
  response.end(artifacts.get(url));
});
let artifactsUrl = '';
before(async () => {
  test = await testGithub();
  await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve));
  artifactsUrl = `http://127.0.0.1:${(store.address() as AddressInfo).port}`;
});
after(async () => {
  store.close();
  await test.close();
});

const role = 'assume:repo:github.com/org/repo:branch:topic';

beforeEach(() => {
  const { github, roles } = test;
  github.files.clear();
  github.checkRuns.length = github.comments.length = github.calls.length = read.length = 0;
  github.interrupt = undefined;
  roles.set(role, ['queue:create-task:*', 'queue:scheduler-id:*', 'queue:route:*']);
  test.clock.advance(seconds(1));
});

let commits = 0;
const aCommit = (): string => (++commits).toString(16).padStart(40, '0').replace(/^0/, 'e');

const pushFile = async (file: string, fields: object = {}): Promise<string> => {
  const commit = aCommit();
  test.github.files.set(`${commit}:.taskcluster.yml`, file);
  assert.equal((await test.deliver('push', push({ after: commit, ...fields }))).status, 200);
  await test.settle();
  return commit;
};

const taskIdOf = async (name: string): Promise<string> =>
  (await readTasks(test.db)).findLast((task) => task.name === name)?.taskId ?? '';

const show = (taskId: string, name: string, text: string, runId = 0): void => {
  const path = `/${taskId}/${runId === 0 ? '' : `${runId}/`}${name}`;
  artifacts.set(path, text);
  test.artifacts.set(`${taskId}/${runId}/${name}`, { storageType: 's3', url: artifactsUrl + path });
};

const checkOf = (commit: string, name: string) =>
  test.github.checkRuns.find((run) => run.head_sha === commit && run.name === name);

describe('bodies whose signature is not known yet', () => {
  let port = 0;
  before(async () => {
    await test.app.listen({ port: 0, host: '127.0.0.1' });
    port = (test.app.server.address() as AddressInfo).port;
  });

  const post = (headers: Record<string, string | number>) => {
    const path = '/api/github/v1/github';
    const outgoing = request({ port, host: '127.0.0.1', method: 'POST', path, headers });
    outgoing.on('error', () => {});
    const status = new Promise<number>((resolve) =>
      outgoing.once('response', (reply) => {
        reply.resume();
        resolve(reply.statusCode ?? 0);
      }),
    );
    return { outgoing, status };
  };
  const madeUp = {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-github-delivery': randomUUID(),
    'x-hub-signature-256': `sha256=${'0'.repeat(64)}`,
  };

  it('give way to a delivery of GitHub, those first that have taken the longest', async () => {
    const piece = Buffer.alloc(22 * MiB, 0x20);
    const strangers = [1, 2, 3].map(() => post({ ...madeUp, 'content-length': 24 * MiB }));
    for (const { outgoing } of strangers)
      await within('a part to be sent', new Promise((resolve) => outgoing.write(piece, resolve)));
    const [first] = strangers;
    assert.equal(await within('room to be made', (first as (typeof strangers)[0]).status), 503);

    const commit = aCommit();
    test.github.files.set(`${commit}:.taskcluster.yml`, aFile(['in between']));
    const text = JSON.stringify(push({ after: commit }));
    const genuine = post(test.github.headersFor('push', text));
    genuine.outgoing.end(text);
    assert.equal(await within('the delivery to be taken', genuine.status), 200);
    for (const { outgoing } of strangers) outgoing.destroy();
    await test.settle();
    assert.ok((await test.taskNames()).includes('in between'));
  });

  it('are refused where there are none at all', async () => {
    const { 'content-type': _, ...unsaid } = madeUp;
    const { outgoing, status } = post({ ...unsaid, 'content-length': 0 });
    outgoing.end();
    assert.equal(await within('the refusal', status), 403);
  });

  it('are refused at their end when it is not good, and leave no room taken', async () => {
    for (let round = 0; round < 4; round++) {
      const { outgoing, status } = post({ ...madeUp, 'content-length': 20 * MiB });
      outgoing.end(Buffer.alloc(20 * MiB, 0x20));
      assert.equal(await within('the refusal', status), 403);
    }
  });
});

it('large deliveries are taken a few at a time, and all of them are worked off', async () => {
  const ids = [1, 2, 3].map(() => randomUUID());
  for (const id of ids) {
    const commit = aCommit();
    test.github.files.set(`${commit}:.taskcluster.yml`, aFile([id]));
    await test.deliver('push', push({ after: commit, padding: 'x'.repeat(5 * MiB) }), id);
  }
  const rolledBack = new Error('It is only looked at.');
  const context = { db: test.db, clock: test.clock, log: undefined as never };
  let taken: number | undefined;
  await assert.rejects(
    transact(context, async (tx, now) => {
      const asked = { now, until: new Date(now.getTime() + minutes(1)), limit: 20, bytesMax: 8 * MiB };
      taken = (await takeDeliveries(tx, asked)).length;
      throw rolledBack;
    }),
    rolledBack,
  );
  assert.equal(taken, 2);
  await test.settle();
  const names = await test.taskNames();
  for (const id of ids) assert.ok(names.includes(id));
});

describe('a character that cannot be stored', () => {
  it('in a mistake of a file does not keep people from reading of it', async () => {
    const commit = await pushFile(aFile(['wrong']).replace('payload: {}', 'payload: {$eval: "\\0nobody"}'));
    const [comment] = test.github.comments;
    assert.equal(comment?.place, `commits/${commit}`);
    assert.match(comment?.body ?? '', /\.taskcluster\.yml:\d+:\d+: .*nobody/);
    assert.doesNotMatch(comment?.body ?? '', /\u0000/);
  });

  it('in a label, a route or a hook of a file is told as well, and nothing is tried for ever', async () => {
    await pushFile(aFile(['odd']).replace('name: odd', 'name: "odd\\0", routes: 3'));
    await pushFile(aFile(['odd']).replace('payload: {}', 'payload: {}\n    routes: ["a\\0b"]'));
    await pushFile(`${aFile([])}hooks: [{name: "a\\0b/c"}]\n`.replace('tasks:', 'tasks: []'));
    assert.equal(test.github.comments.length, 3);
    assert.deepEqual(
      (await readDeliveries(test.db)).filter(({ dueAt }) => dueAt !== null),
      [],
    );
  });
});

describe('a check run', () => {
  const annotation = (line: number) => ({
    path: 'src/a.ts',
    start_line: line,
    end_line: line,
    annotation_level: 'warning',
    message: `Line ${line}`,
  });
  const withOwn = (name: string): string =>
    aFile([name], 'reporting: checks-v1').replace(
      'payload: {}',
      'payload: {}\n    extra: {github: {customCheckRun: {}}}',
    );
  const annotationsName = 'public/github/customCheckRunAnnotations.json';

  it('has all annotations of its task, fifty at a time, without those that GitHub would refuse', async () => {
    const commit = await pushFile(withOwn('annotated'));
    const list = Array.from({ length: 120 }, (_, i) => annotation(i + 1));
    const odd = [
      { ...annotation(7), path: undefined },
      'no annotation',
      { ...annotation(8), start_line: '8' },
    ];
    show(await taskIdOf('annotated'), annotationsName, JSON.stringify([...odd, ...list]));
    await test.runTask('annotated', 'failed');
    await test.settle();
    const { conclusion, output } = checkOf(commit, 'annotated') ?? {};
    assert.equal(conclusion, 'failure');
    assert.deepEqual(output?.annotations, list);
    assert.match(
      output?.text ?? '',
      /3 of 123 cannot be shown: of number 1, its path is not the path of a file\./,
    );
  });

  for (const [what, status] of [
    ['broke off', 502],
    ['asked for patience', 429],
  ] as const)
    it(`has each annotation once, though GitHub ${what} between two fifties`, async () => {
      const name = `GitHub ${what}`;
      const commit = await pushFile(withOwn(name));
      const list = Array.from({ length: 120 }, (_, i) => annotation(i + 1));
      show(await taskIdOf(name), annotationsName, JSON.stringify(list));
      let calls = 0;
      test.github.interrupt = ({ method, body }) =>
        method === 'PATCH' && JSON.stringify(body).includes('Line') && ++calls === 2
          ? { status, body: { message: what } }
          : undefined;
      await test.runTask(name, 'failed');
      await test.settle();
      assert.equal(checkOf(commit, name)?.output?.annotations?.length, 50);
      test.clock.advance(minutes(1));
      await test.settle();
      assert.deepEqual(checkOf(commit, name)?.output?.annotations, list);
    });

  it('has the annotations of a later run too, each once, though GitHub broke off in between', async () => {
    const name = 'run again';
    const commit = await pushFile(withOwn(name));
    const taskId = await taskIdOf(name);
    const list = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i) => annotation(from + i));
    show(taskId, annotationsName, JSON.stringify(list(1, 60)));
    await test.runTask(name, 'failed');
    await test.settle();
    await test.queue.rerunTasks.one({ taskId, authorize: () => {} });
    show(taskId, annotationsName, JSON.stringify(list(51, 170)), 1);
    let calls = 0;
    test.github.interrupt = ({ method, body }) =>
      method === 'PATCH' && JSON.stringify(body).includes('Line') && ++calls === 2
        ? { status: 502, body: {} }
        : undefined;
    await test.settle();
    await test.runTask(name, 'failed');
    await test.settle();
    assert.equal(checkOf(commit, name)?.output?.annotations?.length, 110);
    test.clock.advance(minutes(1));
    await test.settle();
    assert.deepEqual(checkOf(commit, name)?.output?.annotations, list(1, 170));
  });

  it('leaves out annotations that GitHub would refuse once their colors are gone, and says why', async () => {
    const commit = await pushFile(withOwn('colored'));
    const colored = { ...annotation(1), message: '\u001b[31mRed\u001b[0m', start_column: 9, end_column: 3 };
    const none = { ...annotation(2), message: '\u001b[0m \u0007' };
    const backwards = { ...annotation(3), end_line: 1 };
    show(await taskIdOf('colored'), annotationsName, JSON.stringify([colored, none, backwards]));
    await test.runTask('colored', 'failed');
    await test.settle();
    const { output } = checkOf(commit, 'colored') ?? {};
    assert.deepEqual(output?.annotations, [{ ...annotation(1), message: 'Red' }]);
    assert.match(output?.text ?? '', /2 of 3 cannot be shown: of number 2, its message is not a text\./);
  });

  it('says when the annotations are too long to be read', async () => {
    const commit = await pushFile(withOwn('too long'));
    const list = Array.from({ length: 20 }, (_, i) => ({ ...annotation(i), message: 'x'.repeat(60_000) }));
    show(await taskIdOf('too long'), annotationsName, JSON.stringify(list));
    await test.runTask('too long', 'failed');
    await test.settle();
    assert.match(checkOf(commit, 'too long')?.output?.text ?? '', /is longer than 1 MiB, so its annotations/);
  });

  it('says when the annotations are no list', async () => {
    const commit = await pushFile(withOwn('no list'));
    show(await taskIdOf('no list'), annotationsName, '{"path": ');
    await test.runTask('no list', 'failed');
    await test.settle();
    assert.match(checkOf(commit, 'no list')?.output?.text ?? '', /holds no list in JSON/);
  });
});

it('the log of a failed task is read once, however many tasks fail after it', async () => {
  const names = ['first', 'second', 'third'];
  const commit = await pushFile(
    aFile(names, 'reporting: checks-v1').replaceAll('payload: {}', 'payload: {log: public/own.log}'),
  );
  const first = await taskIdOf('first');
  show(first, 'public/own.log', 'Error: it broke\n');
  for (const name of names) {
    await test.runTask(name, 'failed');
    await test.settle();
    test.clock.advance(seconds(1));
  }
  assert.match(checkOf(commit, 'Taskyard (push)')?.output?.text ?? '', /Error: it broke/);
  assert.deepEqual(
    read.filter((path) => path.startsWith(`/${first}/`)),
    [`/${first}/public/own.log`],
  );
});

describe('GitHub', () => {
  it('is followed where a repository has been renamed, with what is sent there', async () => {
    const { github } = test;
    github.interrupt = ({ method, path }) =>
      path.startsWith('/repos/')
        ? {
            status: method === 'GET' ? 301 : 307,
            headers: {
              location: `${github.url}${path.replace(/^\/repos\/[^/]+\/[^/]+/, '/repositories/1')}`,
            },
            body: { message: 'Moved Permanently' },
          }
        : undefined;
    const commit = await pushFile(aFile(['moved'], 'reporting: checks-v1'));
    await test.runTask('moved');
    await test.settle();
    assert.equal(checkOf(commit, 'moved')?.conclusion, 'success');
    assert.equal(checkOf(commit, 'Taskyard (push)')?.conclusion, 'success');
  });

  it('is asked as the installation that there is now, when the app was removed and installed again', async () => {
    test.github.interrupt = ({ path }) =>
      path === '/app/installations/1/access_tokens'
        ? { status: 404, body: { message: 'Not Found' } }
        : undefined;
    const commit = await pushFile(aFile(['anew'], 'reporting: checks-v1'), { installation: { id: 1 } });
    await test.runTask('anew');
    await test.settle();
    assert.equal(checkOf(commit, 'anew')?.conclusion, 'success');
  });

  it('is asked as the installation of each repository, where those of one have come to different owners', async () => {
    const { github, roles } = test;
    const moved = { ...payloads.repository('elsewhere/moved') };
    roles.set('assume:repo:github.com/elsewhere/moved:branch:topic', [
      'queue:create-task:*',
      'queue:scheduler-id:*',
      'queue:route:*',
    ]);
    // 5 was removed: org/repo has 4711 now, and elsewhere/moved has 6.
    github.interrupt = ({ path }) => {
      if (path === '/app/installations/5/access_tokens')
        return { status: 404, body: { message: 'Not Found' } };
      if (path === '/repos/elsewhere/moved/installation') return { status: 200, body: { id: 6 } };
      if (path === '/app/installations/6/access_tokens')
        return { status: 201, body: { token: 'ghs_of_6', expires_at: '2099-01-01T00:00:00Z' } };
      if (path.startsWith('/repos/elsewhere/moved/')) return { status: 404, body: { message: 'Not Found' } };
      return undefined;
    };
    await pushFile(aFile(['of the moved one']), { repository: moved, installation: { id: 5 } });
    await pushFile(aFile(['of the one that stays']), { installation: { id: 5 } });
    assert.ok((await test.taskNames()).includes('of the one that stays'));
  });

  it('is not asked anything else meanwhile when it wants us to wait', async () => {
    const { github } = test;
    github.interrupt = () => ({
      status: 403,
      body: { message: 'You have exceeded a secondary rate limit' },
      headers: { 'retry-after': '300' },
    });
    await pushFile(aFile(['first']));
    const asked = github.calls.length;
    await pushFile(aFile(['second']));
    assert.equal(github.calls.length, asked);
    github.interrupt = undefined;
    test.clock.advance(minutes(6));
    await test.settle();
    const names = await test.taskNames();
    assert.deepEqual(
      ['first', 'second'].filter((name) => !names.includes(name)),
      [],
    );
  });

  it('is asked no more about a repository that the app was removed from', async () => {
    test.github.interrupt = ({ path }) =>
      path.startsWith('/app/') || path.endsWith('/installation')
        ? { status: 404, body: { message: 'Not Found' } }
        : undefined;
    await pushFile(aFile(['removed']), { installation: { id: 2 } });
    assert.ok(!(await test.taskNames()).includes('removed'));
    assert.deepEqual(
      (await readDeliveries(test.db)).filter(({ dueAt }) => dueAt !== null),
      [],
    );
  });

  it('is not followed to another host, which would be handed the token', async () => {
    test.github.interrupt = ({ path }) =>
      path.startsWith('/repos/')
        ? { status: 301, headers: { location: `${artifactsUrl}/caught` } }
        : undefined;
    await pushFile(aFile(['lured']));
    assert.ok(!(await test.taskNames()).includes('lured'));
    assert.deepEqual(read, []);
  });

  it('is given a second when it asks for no time at all, and is not believed when it asks for ages', async () => {
    const wait = async (retryAfter: string): Promise<number> => {
      test.github.interrupt = () => ({
        status: 429,
        body: { message: 'Slow down' },
        headers: { 'retry-after': retryAfter },
      });
      await pushFile(aFile(['waiting']));
      const due = (await readDeliveries(test.db)).find(({ dueAt }) => dueAt !== null)?.dueAt;
      test.github.interrupt = undefined;
      const waited = Number(due) - test.clock.now().getTime();
      test.clock.advance(hours(3));
      await test.settle();
      return waited;
    };
    assert.deepEqual([await wait('0'), await wait('99999999999')], [seconds(1), hours(2)]);
  });
});
