import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CreateTaskRequest, fromNow, Queue, slugid } from '@taskyard/client';
import { eventually, within } from '@taskyard/patience';
import { aTask as aTaskWith } from './support/a-task.ts';
import { type Ended, runProgram } from './support/command.ts';
import { commandHere } from './support/command-here.ts';
import { aHome, taskyard } from './support/platform.ts';

const taskQueueId = 'team/linux';

const aTask = (name: string, more: Partial<CreateTaskRequest> = {}): CreateTaskRequest =>
  aTaskWith({ taskQueueId, name }, more);

test('the commands of every day', async (t) => {
  const home = await aHome(t);
  const { rootUrl, credentials } = await home.start({}, undefined, '--no-worker');
  const queue = new Queue({ rootUrl, credentials });
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));

  // Commands run here, in this folder.
  const before = process.cwd();
  process.chdir(folder);
  t.after(() => process.chdir(before));

  const run = (words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
    commandHere(words, { env: { TASKYARD_DATA: home.path, ...env } });
  const says = async (...words: string[]): Promise<string> => {
    const { out, err, code } = await run(words);
    assert.equal(code, 0, `${words.join(' ')}: ${err}`);
    return out;
  };
  const refused = async (...words: string[]): Promise<string> => {
    const { out, err, code } = await run(words);
    assert.deepEqual([code, out], [2, ''], `${words.join(' ')}: ${err}`);
    return err;
  };
  /** The variables of a new client. */
  const aClient = async (name: string, ...options: string[]): Promise<Record<string, string>> => {
    const lines = (await says('client', 'create', name, ...options)).trim().split('\n');
    const variables = Object.fromEntries(
      lines.map((line) => [line.split('=', 1)[0], line.replace(/^\w+=/, '')]),
    );
    return { ...(variables as Record<string, string>), TASKCLUSTER_ROOT_URL: rootUrl };
  };

  const [first, second] = [slugid(), slugid()];
  await queue.createTask(first, aTask('compile', { taskGroupId: first }));
  await queue.createTask(second, aTask('check', { taskGroupId: first, dependencies: [first] }));

  await t.test('a task queue that no worker has served is found by what waits in it', async () => {
    assert.match(await says('queue', 'list'), new RegExp(`^${taskQueueId} +1 +0$`, 'm'));
    assert.equal(await says('task', 'list', '--queue', taskQueueId, '--state', 'failed'), '');
    assert.match(await refused('task', 'list', '--queue', 'team/linus'), /did you mean "team\/linux"/);
  });

  await t.test('a task that was never scheduled is listed with the time of its creation', async () => {
    const [check] = JSON.parse(await says('task', 'list', '--name', 'check', '--json')) as [{ at: string }];
    assert.equal(check.at, (await queue.task(second)).created);
  });

  await t.test('a name in place of an id, and an id that nothing has, are refused in words', async () => {
    for (const words of [['why'], ['task', 'rerun'], ['group', 'status']])
      assert.match(
        await refused(...words, 'compile'),
        /"compile" is not the id of a task or group\. "task list /,
      );
    const { err, code } = await run(['why', slugid()]);
    assert.match(err, /There is no task and no task group \S+: /);
    assert.equal(code, 1);
  });

  await t.test('a viewer sees all and changes nothing', async () => {
    const env = await aClient('people/viewer', '--viewer');
    for (const words of [
      ['group', 'list'],
      ['group', 'status', first],
      ['task', 'list'],
      ['task', 'status', first],
      ['task', 'def', first],
      ['task', 'artifacts', first],
      ['why', second],
      ['queue', 'list'],
      ['queue', 'counts', taskQueueId],
      ['queue', 'pending', taskQueueId],
      ['worker', 'list'],
      ['pool', 'list'],
      ['hook', 'list'],
      ['secret', 'list'],
      ['client', 'list'],
      ['role', 'list'],
      ['cache', 'list'],
      ['scopes', 'mine'],
    ]) {
      const { code, err } = await run(words, env);
      assert.equal(code, 0, `${words.join(' ')}: ${err}`);
    }
    for (const words of [
      ['task', 'cancel', first],
      ['group', 'rerun', first],
      ['secret', 'get', 'any'],
      ['client', 'create', 'people/other'],
      ['worker', 'quarantine', taskQueueId, 'g/w'],
    ]) {
      const { code, err } = await run(words, env);
      // A rerun of what has not failed asks for nothing.
      const isIdle = words[1] === 'rerun';
      assert.equal(code, isIdle ? 0 : 1, `${words.join(' ')}: ${err}`);
      if (!isIdle) assert.match(err, /InsufficientScopes/);
    }
  });

  await t.test('a developer runs graphs, and gives no rights to others', async () => {
    const env = await aClient('people/developer', '--developer');
    const graph = join(folder, 'graph.yml');
    await writeFile(
      graph,
      `version: 1
name: developed
defaults: { taskQueueId: ${taskQueueId}, payload: { maxRunTime: 60 } }
tasks:
  build:
    payload: { command: [[sh, -c, 'true']], artifacts: [{ type: file, path: x, name: public/x }] }
  test:
    needs: [build]
    scopes: ["queue:get-artifact:public/*", "generic-worker:cache:checkout"]
    payload:
      command: [[sh, -c, 'true']]
      mounts:
        - { file: x, content: { taskId: "\${taskId('build')}", artifact: public/x } }
        - { cacheName: checkout, directory: here }
`,
    );
    const created = await run(['group', 'create', graph], env);
    assert.equal(created.code, 0, created.err);
    const taskGroupId = created.out.trim();
    const { out } = await run(['group', 'list', taskGroupId, '--json'], env);
    const [task] = JSON.parse(out) as { status: { taskId: string } }[];
    const taskId = task?.status.taskId ?? '';
    for (const words of [
      ['task', 'priority', taskId, 'low'],
      ['group', 'priority', taskGroupId, 'high'],
      ['task', 'cancel', taskId],
      ['task', 'rerun', taskId],
      ['group', 'cancel', taskGroupId],
      ['cache', 'purge', taskQueueId, 'checkout'],
    ]) {
      const { code, err } = await run(words, env);
      assert.equal(code, 0, `${words.join(' ')}: ${err}`);
    }
    for (const words of [
      ['client', 'create', 'people/other', '--viewer'],
      ['role', 'set', 'anonymous', '--scope', 'queue:status:*'],
      ['secret', 'get', 'any'],
    ]) {
      const { code, err } = await run(words, env);
      assert.deepEqual([code, /InsufficientScopes/.test(err)], [1, true], words.join(' '));
    }
  });

  await t.test('queues and workers are shown, kept from tasks and released', async () => {
    assert.match(
      await says('queue', 'counts', taskQueueId),
      /^queue +pending +running\nteam\/linux +1 +0\n$/,
    );
    const claim = () => queue.claimWork(taskQueueId, { workerGroup: 'office', workerId: 'two', tasks: 1 });
    assert.equal((await claim()).tasks.length, 1);
    assert.match(await says('worker', 'list'), /^office\/two +team\/linux +\d{4}-\S+Z +[\w-]{22}$/m);
    assert.match(await says('worker', 'list', taskQueueId), /^office\/two +\d{4}-\S+Z +[\w-]{22}\n$/);
    const listed = JSON.parse(await says('worker', 'list', '--json')) as {
      workerId: string;
      taskQueueId: string;
    }[];
    assert.deepEqual(
      listed.filter(({ taskQueueId: ofQueue }) => ofQueue === taskQueueId).map(({ workerId }) => workerId),
      ['two'],
    );
    const kept = await says(
      'worker',
      'quarantine',
      taskQueueId,
      'office/two',
      '--until',
      '1 hour',
      '--reason',
      'dust',
    );
    assert.match(kept, /^office\/two gets no task until \d{4}-/);
    assert.match(await says('worker', 'list', taskQueueId), /quarantined until \d{4}-/);
    assert.equal(await says('worker', 'release', taskQueueId, 'office/two'), 'office/two works again\n');
    assert.doesNotMatch(await says('worker', 'list', taskQueueId), /quarantined/);
  });

  await t.test('quarantine counts at once, both ways, for a worker that waits for work', async () => {
    const ofQueue = 'team/waiting';
    const waits = (workerId: string) =>
      queue
        .claimWork(ofQueue, { workerGroup: 'office', workerId, tasks: 1 })
        .then(({ tasks }) => tasks.length);
    const create = () => queue.createTask(slugid(), aTask('late', { taskQueueId: ofQueue }));
    const isWaiting = (workerId: string) =>
      eventually('the worker to wait', async () =>
        (await says('worker', 'list', ofQueue)).includes(`office/${workerId} `),
      );
    // A call ends without tasks after a while.
    const untilWork = async (workerId: string): Promise<number> =>
      (await waits(workerId)) || untilWork(workerId);
    const [kept, free] = [waits('kept'), untilWork('free')];
    await Promise.all([isWaiting('kept'), isWaiting('free')]);
    await says('worker', 'quarantine', ofQueue, 'office/kept');
    assert.equal(await within('the call of the worker in quarantine to end', kept), 0);
    const again = untilWork('kept');
    await Promise.all([create(), create()]);
    assert.equal(await within('the free worker to get a task', free), 1);
    await says('worker', 'release', ofQueue, 'office/kept');
    assert.equal(await within('the released worker to get the other one', again), 1);
  });

  await t.test('groups and tasks are found by what is known of them', async () => {
    const [failed, ours] = [slugid(), slugid()];
    const about = {
      name: 'nightly build',
      description: '',
      owner: 'night@example.com',
      source: 'https://a.example/',
    };
    const routes = ['index.project.nightly'];
    const tags = { kind: 'nightly' };
    await queue.createTask(failed, aTask('x', { taskGroupId: failed, taskQueueId: 'built-in/fail' }));
    await queue.createTask(
      ours,
      aTask('x', { taskGroupId: ours, metadata: about, routes, tags, taskQueueId: 'team/night' }),
    );
    await eventually('the task to fail', async () => (await queue.status(failed)).status.state === 'failed');
    const ids = async (...words: string[]) =>
      (JSON.parse(await says(...words, '--json')) as { taskGroupId: string }[]).map(
        ({ taskGroupId }) => taskGroupId,
      );
    const ofFailures = await ids('group', 'list', '--failed');
    assert.deepEqual([ofFailures.includes(failed), ofFailures.includes(ours)], [true, false]);
    assert.deepEqual(await ids('group', 'list', '--name', 'nightly'), [ours]);
    assert.deepEqual(await ids('group', 'list', '--owner', 'night@example.com', '--since', '1 hour'), [ours]);
    assert.deepEqual(await ids('group', 'list', '--since', '2099-01-01'), []);
    assert.equal((await ids('group', 'list'))[0], ours, 'the newest first');
    for (const words of [
      ['--queue', 'team/night'],
      ['--name', 'nightly'],
      ['--route', 'index.project.nightly'],
      ['--tag', 'kind=nightly'],
      ['--state', 'pending', '--queue', 'team/night', '--since', '1 hour'],
    ])
      assert.deepEqual(await ids('task', 'list', ...words), [ours], words.join(' '));
    assert.deepEqual(await ids('task', 'list', '--state', 'failed'), [failed]);
    await queue.cancelTask(ours);
    assert.match(await says('task', 'list', '--name', 'nightly'), /^[\w-]{22} +exception +canceled /);
    assert.match(await says('why', ours), /^nightly build: exception\. It ended as canceled\.\n/);
    assert.equal(await says('why', ours, '--group'), '1 task was canceled.\n');
  });

  await t.test(
    'what waits in a queue is found, gets another priority and is canceled by what it is of',
    async () => {
      const queueName = 'team/rush';
      const aWaiting = async (name: string, push: string, more: object = {}): Promise<string> => {
        const taskId = slugid();
        const source = `https://git.example.com/app/${push}`;
        const metadata = { name, description: '', owner: `${push}@example.com`, source };
        await queue.createTask(taskId, aTask(name, { taskQueueId: queueName, metadata, ...more }));
        return taskId;
      };
      const [slow, quick, other] = [
        await aWaiting('slow', 'one'),
        await aWaiting('quick', 'one', { tags: { kind: 'a=b' }, routes: ['index.app.one'] }),
        await aWaiting('other', 'two'),
      ];
      const waiting = async (...filters: string[]): Promise<string[]> => {
        const found = JSON.parse(await says('queue', 'pending', queueName, ...filters, '--json')) as {
          taskId: string;
        }[];
        return found.map(({ taskId }) => taskId);
      };
      assert.deepEqual(await waiting('--owner', 'one@example.com'), [slow, quick]);
      assert.deepEqual(await waiting('--source', 'APP/two'), [other]);
      assert.deepEqual(await waiting('--source', 'app', '--name', 'QUI'), [quick]);
      assert.deepEqual(await waiting('--tag', 'kind=a=b', '--route', 'index.app.one'), [quick]);
      assert.deepEqual(await waiting('--group', other), [other]);
      assert.match(await refused('queue', 'priority', queueName, 'high'), /Give a filter, or --all/);
      assert.match(await refused('queue', 'cancel', queueName), /Give a filter, or --all/);
      assert.equal(
        await says('queue', 'priority', queueName, 'high', '--source', 'app/one'),
        '2 of 2 waiting tasks have the priority high now\n',
      );
      assert.deepEqual(
        (await queue.statuses({ taskIds: [slow, quick, other] })).statuses.map(
          ({ status }) => status.priority,
        ),
        ['high', 'high', 'lowest'],
      );
      const canceled = JSON.parse(
        await says('queue', 'cancel', queueName, '--name', 'o', '--json'),
      ) as object;
      assert.deepEqual(canceled, { changed: [slow, other], ended: [] });
      assert.deepEqual(await waiting(), [quick]);
      assert.equal(await says('queue', 'cancel', queueName, '--all'), '1 of 1 waiting tasks canceled\n');
    },
  );

  await t.test('a task queue that no worker serves is told when a task is created', async () => {
    const warned = async (...words: string[]): Promise<string> => {
      const { err, code } = await run(words);
      assert.equal(code, 0, err);
      return err;
    };
    const graph = join(folder, 'unserved.yml');
    const served = { run: 'true', taskQueueId };
    const tasks = {
      a: { ...served, taskQueueId: 'team/linuz' },
      b: served,
      c: { taskQueueId: 'built-in/succeed', payload: {} },
    };
    await writeFile(graph, JSON.stringify({ name: 'unserved', tasks }));
    assert.match(
      await warned('group', 'create', graph),
      /^Warning: no worker serves team\/linuz \(did you mean "team\/linux"\?\): none was seen[^\n]*\n3 tasks, /,
    );
    const file = join(folder, 'task.json');
    await writeFile(file, JSON.stringify(aTask('alone', { taskQueueId: 'team/mac' })));
    assert.match(await warned('task', 'create', file), /^Warning: no worker serves team\/mac: /);
    await writeFile(file, JSON.stringify(aTask('served')));
    assert.doesNotMatch(await warned('task', 'create', file), /Warning/);
    assert.match(
      await warned('cache', 'purge', 'team/linuz', 'npm'),
      /^Warning: no worker serves team\/linuz /,
    );
    // A worker pool may start a worker.
    const pool = join(folder, 'pool.yml');
    await writeFile(
      pool,
      '{providerId: static, description: "", owner: a@example.com, emailOnError: false, config: {}}',
    );
    await says('pool', 'set', 'team/mac', pool);
    await writeFile(file, JSON.stringify(aTask('pooled', { taskQueueId: 'team/mac' })));
    assert.doesNotMatch(await warned('task', 'create', file), /Warning/);
  });

  await t.test('the status of a task that waits says why', async () => {
    assert.match(await says('task', 'status', second), /^because +It waits for 1 task to complete/m);
    const [waiting] = JSON.parse(
      await says('task', 'list', '--queue', 'team/mac', '--state', 'pending', '--json'),
    ) as {
      taskId: string;
    }[];
    const told = JSON.parse(await says('task', 'status', waiting?.taskId ?? '', '--json')) as {
      because: string;
    };
    assert.match(told.because, /^No worker of its task queue/);
    assert.doesNotMatch(await says('task', 'status', first), /^because/m);
  });

  await t.test('names that nobody knows are refused, with what was probably meant', async () => {
    assert.match(
      await refused('queue', 'pending', 'team/linus'),
      /no task queue "team\/linus" \(did you mean "team\/linux"\?\)/,
    );
    assert.match(await refused('queue', 'counts', 'team/linus'), /did you mean "team\/linux"/);
    assert.match(await refused('task', 'list', '--queue', 'team/linxu'), /did you mean "team\/linux"/);
    assert.match(await refused('task', 'list', '--state', 'done'), /unscheduled, pending, running/);
    assert.match(await refused('pool', 'workers', 'team/mac', '--state', 'idle'), /requested, running/);
    assert.match(
      await refused('worker', 'list', 'other/thing'),
      /no task queue "other\/thing"; known: .*team\/linux/,
    );
    assert.match(
      await refused('worker', 'release', taskQueueId, 'office/tow'),
      /no worker of team\/linux "office\/tow" \(did you mean "office\/two"\?\)/,
    );
    assert.match(await refused('worker', 'release', taskQueueId, 'two'), /<group>\/<worker>/);
    assert.match(
      await refused('events', '--exchange', 'queue/task-complete'),
      /did you mean "queue\/task-completed"/,
    );
    assert.match(await refused('events', '--exchange', 'tasks'), /no exchange "tasks"; known: /);
    assert.match(await refused('api', 'queu'), /no service "queu" \(did you mean "queue"\?\)/);
    assert.match(await refused('api', 'queue', 'statu', 'x'), /did you mean "status"/);
    assert.match(await refused('task', 'statsu', first), /[Dd]id you mean status/);
    assert.match(await refused('task', 'list', '--stat', 'failed'), /[Dd]id you mean --state/);
    assert.match(await refused('task', 'priority', first, 'hihg'), /highest, very-high, high/);
  });

  await t.test('several artifacts are downloaded at once', async () => {
    const { status } = await queue.status(first);
    const { runId = 0 } = status.runs.at(-1) ?? {};
    const names = ['public/a.txt', 'public/sub/b.txt', 'other/c.txt'];
    for (const name of names) {
      await queue.createArtifact(first, runId, name, {
        storageType: 'reference',
        url: `${rootUrl}/references/queue/v1/api.json`,
        contentType: 'application/json',
        expires: fromNow('1 hour').toJSON(),
      });
    }
    const bytes = await (await fetch(`${rootUrl}/references/queue/v1/api.json`)).text();
    const isThere = async (...path: string[]) =>
      assert.equal(await readFile(join(folder, ...path), 'utf8'), bytes);
    await says('task', 'download', first, 'public/a.txt');
    await isThere('a.txt');
    await says('task', 'download', first, 'public/a.txt', 'other/c.txt', '--output', 'two');
    await isThere('two', 'public/a.txt');
    await isThere('two', 'other/c.txt');
    const below = JSON.parse(
      await says('task', 'download', first, 'public/', '-o', 'below', '--json'),
    ) as object[];
    assert.equal(below.length, 2);
    await isThere('below', 'public/sub/b.txt');
    await says('task', 'download', first, '--all');
    for (const name of names) await isThere(first, name);
    assert.match(
      await refused('task', 'download', first, 'public/a.txt', 'public/a.tx'),
      /no artifact of [\w-]{22} "public\/a.tx" \(did you mean "public\/a.txt"\?\)/,
    );
    assert.match(await refused('task', 'download', first), /--all/);
    assert.match(await refused('task', 'download', first, '--all', '-o', '-'), /one artifact/);
  });

  await t.test('messages have their time and the name of their task', async () => {
    let child: { kill(signal: NodeJS.Signals): void } | undefined;
    const following = runProgram(process.execPath, [taskyard, 'events', '--exchange', 'queue/task-pending'], {
      env: { TASKYARD_DATA: home.path },
      onStart: (started) => {
        child = started;
        started.stdout?.once('data', () => child?.kill('SIGINT'));
      },
    });
    let hasEnded = false;
    void following.then(() => {
      hasEnded = true;
    });
    await eventually('a message to be printed', async () => {
      await queue.createTask(slugid(), aTask('announced'));
      return hasEnded;
    });
    assert.match((await following).out, /^\d{4}-\S+Z {2}queue\/task-pending {2}announced {2}primary\./);
  });
});
