import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CreateTaskRequest, fromNow, type HookDefinition, Hooks, Queue, slugid } from '@taskyard/client';
import { within } from '@taskyard/patience';
import { type Ended, runProgram } from './support/command.ts';
import { commandHere } from './support/command-here.ts';
import { aHome, taskyard } from './support/platform.ts';

const taskQueueId = 'example/words';
const metadata = { description: '', owner: 'a@example.com', source: 'https://example.com/' };

const aTask = (name: string, more: Partial<CreateTaskRequest> = {}): CreateTaskRequest => ({
  taskQueueId,
  created: new Date().toJSON(),
  deadline: fromNow('1 hour').toJSON(),
  payload: {},
  metadata: { ...metadata, name },
  ...more,
});

test('the command line, against a server', async (t) => {
  const home = await aHome(t);
  const { rootUrl, credentials } = await home.start({}, undefined, '--no-worker');
  const queue = new Queue({ rootUrl, credentials });

  const env = { TASKYARD_DATA: home.path };
  /** Runs a command with this standard input. */
  const run = (words: readonly string[], input = ''): Promise<Ended> =>
    within(`the end of taskyard ${words.join(' ')}`, commandHere(words, { env, input }));
  /** The same, as a process of its own. */
  const runAlone = (words: readonly string[], input = ''): Promise<Ended> =>
    within(
      `the end of taskyard ${words.join(' ')}`,
      runProgram(process.execPath, [taskyard, ...words], { env, input }),
    );
  const says = async (...words: string[]): Promise<string> => {
    const { out, err, code } = await run(words);
    assert.equal(code, 0, err);
    return out;
  };
  const json = async <T>(...words: string[]): Promise<T> => JSON.parse(await says(...words, '--json')) as T;

  await t.test('keeps, shows and forgets secrets', async () => {
    const kept = await runAlone(
      ['secret', 'set', 'app/key', '-', '--expires', '2 days'],
      'password: "open, sesame"',
    );
    assert.match(kept.out, /^app\/key is kept until \d{4}-/);
    assert.deepEqual(JSON.parse(await says('secret', 'get', 'app/key')), { password: 'open, sesame' });
    assert.equal(await says('secret', 'list'), 'app/key\n');
    await says('secret', 'delete', 'app/key');
    const gone = await runAlone(['secret', 'get', 'app/key', '--json']);
    assert.equal(gone.code, 1);
    assert.equal((JSON.parse(gone.err) as { error: { statusCode: number } }).error.statusCode, 404);
    const wrong = await runAlone(['secret', 'set', 'app/key', '-', '--expires', 'soon'], '{}');
    assert.deepEqual([wrong.code, /"soon"/.test(wrong.err)], [2, true]);
  });

  await t.test('purges caches', async () => {
    await says('cache', 'purge', taskQueueId, 'checkout');
    assert.match(await says('cache', 'list'), /^example\/words {2}checkout {2}\d{4}-/);
    assert.equal((await json<object[]>('cache', 'list', taskQueueId)).length, 1);
    assert.deepEqual(await json('cache', 'list', 'example/others'), []);
  });

  await t.test('shows hooks and fires them', async () => {
    await new Hooks({ rootUrl, credentials }).createHook('words', 'nightly/one', {
      metadata: { name: 'Nightly', description: '', owner: 'a@example.com' },
      task: {
        ...aTask('nightly'),
        created: { $fromNow: '0 seconds' },
        deadline: { $fromNow: '1 hour' },
      },
      schedule: ['0 0 3 * * *'],
      triggerSchema: { type: 'object', additionalProperties: true },
    });
    const refused = await run(['hook', 'trigger', 'words/nightly/one']);
    assert.deepEqual([refused.code, /queue:create-task:lowest:example\/words/.test(refused.err)], [1, true]);
    const scopes = [
      'queue:create-task:lowest:example/words',
      'queue:create-task:project:none',
      'queue:scheduler-id:-',
    ];
    const role = 'hook-id:words/nightly/one';
    await says('admin', 'role', 'set', role, ...scopes.flatMap((scope) => ['--scope', scope]));
    assert.match(await says('hook', 'list'), /^words\/nightly\/one {2}0 0 3 \* \* \* {2}Nightly\n$/);
    const fired = await run(['hook', 'trigger', 'words/nightly/one', '--body', '-'], '{"because": "test"}');
    assert.equal(fired.code, 0, fired.err);
    const taskId = fired.out.trim();
    assert.equal((await queue.status(taskId)).status.state, 'pending', fired.err);
    assert.match(
      await says('hook', 'fires', 'words/nightly/one'),
      new RegExp(`triggerHook {2}success {2}${taskId}`),
    );
    assert.match(await says('hook', 'status', 'words/nightly/one'), new RegExp(`success {2}${taskId}`));

    const {
      metadata: about,
      task,
      schedule,
    } = await json<HookDefinition>('hook', 'show', 'words/nightly/one');
    const daily = JSON.stringify({ metadata: { ...about, name: 'Daily' }, task, schedule });
    for (const name of ['words/nightly/one', 'words/another']) {
      const set = await run(['hook', 'set', name, '-'], daily);
      assert.equal(set.code, 0, set.err);
    }
    assert.match(await says('hook', 'list', 'words'), /another .* Daily\n(.*\n)?.*nightly\/one .* Daily\n$/);
    await says('hook', 'delete', 'words/another');
    assert.equal((await json<object[]>('hook', 'list', 'words')).length, 1);
  });

  await t.test('makes, changes and deletes worker pools', async () => {
    const pool = (description: string) => `
providerId: static
description: ${description}
owner: a@example.com
emailOnError: false
config: {}
`;
    assert.match((await run(['pool', 'set', 'words/pool', '-'], pool('first'))).out, /^words\/pool is as/);
    assert.equal((await run(['pool', 'set', 'words/pool', '-'], pool('second'))).code, 0);
    const shown = await says('pool', 'show', 'words/pool');
    assert.equal((JSON.parse(shown) as { description: string }).description, 'second');
    // What is shown can be set.
    assert.equal((await run(['pool', 'set', 'words/pool', '-'], shown)).code, 0);
    await says('pool', 'delete', 'words/pool');
    assert.equal((await run(['pool', 'set', 'words/pool', '-'], 'providerId: static')).code, 1);
  });

  await t.test('says why a task waits, and shows, ranks, repeats and draws a group', async () => {
    const [first, second] = [slugid(), slugid()];
    await queue.createTask(first, aTask('the "first"', { taskGroupId: first }));
    await queue.createTask(second, aTask('second', { taskGroupId: first, dependencies: [first] }));
    assert.match(await says('task', 'why', first), /^the "first": pending\. .*\n +queue +example\/words\n/);
    assert.match(
      await says('why', second),
      new RegExp(`^second: unscheduled[.] .*\n +waits for the "first" +pending +${first}\n`),
    );
    assert.match(await says('group', 'priority', first, 'high'), /^2 tasks have the priority high\n/);
    assert.equal(
      (await json<{ status: { priority: string } }>('task', 'status', first)).status.priority,
      'high',
    );
    const status = await says('task', 'priority', second, 'low');
    assert.match(status, /^task +/);
    assert.ok(status.includes(`${rootUrl}/tasks/${second}\n`), status);
    assert.ok((await says('group', 'status', first)).includes(`${rootUrl}/tasks/groups/${first}/tasks\n`));

    const dot = await says('group', 'graph', first, '--dot');
    assert.match(dot, /^digraph \{\n/);
    assert.ok(dot.includes(`"${first}" [label="the \\"first\\"", fillcolor=khaki];`), dot);
    assert.ok(dot.includes(`"${first}" -> "${second}";`));
    assert.match(await says('group', 'graph', first), /second {2}unscheduled\n {2}needs the "first"\n/);

    await says('task', 'cancel', first);
    const rerun = await json<{ taskIds: string[] }>('group', 'rerun', first);
    assert.deepEqual(rerun.taskIds, [first]);
    assert.equal((await queue.status(first)).status.state, 'pending');
    assert.deepEqual((await queue.rerunTaskGroup(first)).taskIds, [], 'nothing is left that failed');
    assert.match(await says('group', 'seal', first), /^sealed since \d{4}-/);
  });

  await t.test('shows queues and workers, and puts workers into quarantine', async () => {
    const claimed = await queue.claimWork(taskQueueId, { workerGroup: 'g', workerId: 'w', tasks: 1 });
    assert.equal(claimed.tasks.length, 1);
    assert.match(await says('queue', 'list'), /^queue +pending +running\n(.*\n)*example\/words +\d+ +1\n/);
    assert.match(await says('queue', 'pending', taskQueueId), /^[\w-]{22} +\d{4}-/);
    assert.match(await says('queue', 'workers', taskQueueId), /^g\/w +\d{4}-\S+ +[\w-]{22}\n$/);
    const until = await says(
      'queue',
      'quarantine',
      taskQueueId,
      'g/w',
      '--until',
      '1 hour',
      '--reason',
      'dust',
    );
    assert.match(until, /^g\/w gets no task until \d{4}-/);
    assert.match(await says('queue', 'workers', taskQueueId), /quarantined until/);
    assert.match(
      await says('queue', 'quarantine', taskQueueId, 'g/w', '--until', '-1 hour'),
      /^g\/w works again\n$/,
    );
  });

  await t.test('creates clients and roles, and shows their scopes', async () => {
    const made = await says(
      'admin',
      'client',
      'create',
      'words/one',
      '--scope',
      'assume:words',
      '--expires',
      '1 day',
    );
    assert.match(made, /^TASKCLUSTER_CLIENT_ID=words\/one\nTASKCLUSTER_ACCESS_TOKEN=\S{22,}\n$/);
    await says('admin', 'role', 'set', 'words', '--scope', 'a:b', '--description', 'at first');
    await says('admin', 'role', 'set', 'words', '--scope', 'a:c', '--scope', 'd:*');
    assert.match(
      await says('admin', 'role', 'show', 'words'),
      /^role {2}words\nscope {2}a:c\nscope {2}d:\*\n$/,
    );
    const who = await says('admin', 'scopes', 'who', 'd:e', 'a:c');
    assert.match(who, /client +words\/one\n/);
    assert.match(who, /role +words\n/);
    assert.doesNotMatch(await says('admin', 'scopes', 'who', 'a:b'), /words/);
    assert.equal(await says('admin', 'scopes', 'expand', 'assume:words'), 'a:c\nassume:words\nd:*\n');
    assert.match(await says('admin', 'client', 'disable', 'words/one'), /disabled/);
    assert.match(await says('admin', 'client', 'list', 'words/'), /^words\/one {2}disabled\n$/);
    assert.match(await says('admin', 'client', 'enable', 'words/one'), /until/);
    assert.notEqual(await says('admin', 'client', 'reset', 'words/one'), made);
    assert.match(await says('admin', 'client', 'show', 'words/one'), /scope {2}assume:words\n$/);
    await says('admin', 'role', 'delete', 'words');
    await says('admin', 'client', 'delete', 'words/one');
    assert.equal(await says('admin', 'client', 'list', 'words/'), '');
  });

  await t.test('ends quietly with its reader, and refuses to sign in without a server', async () => {
    const pipe = 'set -o pipefail; "$0" "$1" completion bash | true';
    const { status, stderr } = spawnSync('bash', ['-c', pipe, process.execPath, taskyard], {
      encoding: 'utf8',
    });
    assert.deepEqual([status, stderr], [0, '']);
    const full = spawnSync(
      'bash',
      ['-c', '"$0" "$1" completion bash > /dev/full', process.execPath, taskyard],
      {
        encoding: 'utf8',
      },
    );
    assert.equal(full.status, 1);
    assert.match(full.stderr, /^taskyard: standard output cannot be written: [^\n]*no space[^\n]*\n$/);
    const { code, err } = await run(['signin', 'tasks.example.com']);
    assert.deepEqual([code, /is not an address/.test(err)], [2, true]);
  });

  await t.test('reports why a worker could not run', async () => {
    const codeOf = async (...words: string[]) => {
      const { code, err } = await runAlone(['worker', ...words]);
      return [code, err];
    };
    const [unreadable, why] = await codeOf('--config', '/nowhere/worker.yml');
    assert.deepEqual([unreadable, /nowhere/.test(String(why))], [64, true]);
    const [wrong, mistake] = await codeOf('--task-queue-id', taskQueueId, '--capacity', '999');
    assert.deepEqual([wrong, /capacity/i.test(String(mistake))], [73, true]);
    const [broken] = await codeOf('--task-queue-id', taskQueueId, '--work-dir', '/dev/null/worker');
    assert.equal(broken, 69);
  });

  await t.test('completes its words', async () => {
    const script = await says('completion', 'bash');
    const ask = `${script}\nCOMP_WORDS=(taskyard task --json lo)\nCOMP_CWORD=3\n_taskyard\necho "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', ask], { encoding: 'utf8' });
    assert.equal(stdout.trim(), 'log', stderr);
    assert.match(await says('completion', 'zsh'), /bashcompinit/);
    assert.match(script, /'worker'\) words='schema run-task list quarantine release /);
    assert.match(await says('completion', 'fish'), /__fish_seen_subcommand_from task' -a why/);
    assert.equal((await run(['completion', 'tcsh'])).code, 2);
  });
});

test('run and serve end with a sentence where no folder can be made', async (t) => {
  const { path } = await aHome(t);
  const graph = join(path, 'graph.yml');
  const payload = { command: [['true']], maxRunTime: 60 };
  await writeFile(graph, JSON.stringify({ version: 1, name: 'none', tasks: { none: { payload } } }));
  // Node's own way to make folders tries for ever below /proc.
  for (const data of ['/proc/taskyard', join(graph, 'data')])
    for (const words of [
      ['run', graph],
      ['serve', '--port', '0'],
    ]) {
      const options = { env: { LOG_LEVEL: 'silent' } };
      const program = runProgram(process.execPath, [taskyard, ...words, '--data', data], options);
      const { err, code } = await within(`the end of ${words[0]} on ${data}`, program);
      assert.ok(code === 1 || code === 2, `${words[0]} on ${data}: ${code} ${err}`);
      assert.match(err, /^taskyard: .*(cannot be made|cannot be read): .*\n$/);
    }
});
