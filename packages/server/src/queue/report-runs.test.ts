import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import hawk from 'hawk';
import { minutes, silentLog, slugid } from '../base/index.ts';
import type { Context } from './context.ts';
import type { TaskRecord } from './record.ts';
import { reportRuns } from './service/report-runs.ts';
import type { Report } from './service/resolve-runs.ts';
import { type Asked, aTask, type TestApp, testApp } from './testing.ts';

interface Credentials {
  readonly clientId: string;
  readonly accessToken: string;
  readonly certificate: string;
}
interface TaskRef {
  readonly taskId: string;
}
interface Claimed {
  readonly taskId: string;
  readonly credentials: Credentials;
}
type Answers = {
  taskId: string;
  runId: number;
  status?: Status;
  error?: { statusCode: number; code: string };
}[];
type Status = { state: string; runs: { state: string; reasonResolved?: string }[] };

describe('reportRuns', () => {
  let app: TestApp;
  before(async () => {
    app = await testApp();
  });
  after(() => app.close());

  const worker = { workerGroup: 'group', workerId: 'worker' };
  const create = async (fields: Parameters<typeof aTask>[1] = {}): Promise<string> => {
    const taskId = slugid();
    const { status, message } = await app.ask('PUT', `/task/${taskId}`, {
      body: aTask(app.clock.now(), fields),
    });
    assert.equal(status, 200, message);
    return taskId;
  };
  const claim = async (taskId: string, runId = 0): Promise<Claimed> => {
    const { body, message } = await app.ask('POST', `/task/${taskId}/runs/${runId}/claim`, { body: worker });
    assert.ok(body.credentials, message);
    return { taskId, credentials: body.credentials as Credentials };
  };
  const aClaim = async (): Promise<Claimed> => claim(await create());

  /** The header of a request for one report. */
  const header = (
    path: string,
    { clientId, accessToken, certificate }: Credentials,
    more: object = {},
  ): string =>
    hawk.client.header(`http://localhost:80/api/queue/v1${path}`, 'POST', {
      credentials: { id: clientId, key: accessToken, algorithm: 'sha256' },
      timestamp: Math.floor(app.clock.now().getTime() / 1000),
      nonce: slugid(),
      ext: Buffer.from(JSON.stringify({ certificate: JSON.parse(certificate), ...more })).toString('base64'),
    }).header;
  const report = ({ taskId, credentials }: Claimed, state: string, reason?: string, runId = 0) => ({
    taskId,
    runId,
    state,
    ...(reason ? { reason } : {}),
    authorization: header(`/task/${taskId}/runs/${runId}/${state}`, credentials),
  });
  const send = async (reports: readonly object[], asked: Asked = {}) => {
    const reply = await app.ask('POST', '/report-runs/prov%2Ftype', { body: { reports }, ...asked });
    assert.equal(reply.status, 200, reply.message);
    return reply.body.reports as Answers;
  };
  /** What became of each report: the state of its task, or the code of its refusal. */
  const ends = (answers: Answers) => answers.map(({ status, error }) => error?.code ?? status?.state);
  const stateOf = async (taskId: string): Promise<Status> =>
    (await app.ask('GET', `/task/${taskId}/status`)).body.status as Status;
  const messagesOf = async (taskId: string): Promise<string[]> =>
    (await app.messages())
      .filter(
        ({ body }) => body.taskGroupId === taskId || (body.status as Partial<TaskRef>)?.taskId === taskId,
      )
      .map(({ exchange }) => exchange.replace(/.*\//, ''));

  it('ends each run as its report says, and answers and announces it as the method for one does', async () => {
    const claims = [await aClaim(), await aClaim(), await aClaim(), await aClaim()] as const;
    const [completed, failed, broken, shut] = claims;
    const answers = await send([
      report(completed, 'completed'),
      report(failed, 'failed'),
      report(broken, 'exception', 'malformed-payload'),
      report(shut, 'exception', 'worker-shutdown'),
    ]);
    assert.deepEqual(
      answers.map(({ taskId, runId }) => [taskId, runId]),
      claims.map(({ taskId }) => [taskId, 0]),
    );
    assert.deepEqual(ends(answers), ['completed', 'failed', 'exception', 'pending']);
    assert.equal(answers[2]?.status?.runs[0]?.reasonResolved, 'malformed-payload');
    for (const [i, { taskId }] of claims.entries())
      assert.deepEqual(answers[i]?.status, await stateOf(taskId));
    const before = ['task-defined', 'task-pending', 'task-running'];
    assert.deepEqual(await messagesOf(completed.taskId), [
      ...before,
      'task-completed',
      'task-group-resolved',
    ]);
    assert.deepEqual(await messagesOf(failed.taskId), [...before, 'task-failed', 'task-group-resolved']);
    assert.deepEqual(await messagesOf(broken.taskId), [...before, 'task-exception', 'task-group-resolved']);
    assert.deepEqual(await messagesOf(shut.taskId), [...before, 'task-exception', 'task-pending']);
  });

  it('makes a dependent pending whose last two dependencies complete in one list', async () => {
    const [a, b] = [await aClaim(), await aClaim()];
    const dependent = await create({ dependencies: [a.taskId, b.taskId] });
    await send([report(a, 'completed'), report(b, 'completed')]);
    assert.equal((await stateOf(dependent)).state, 'pending');
  });

  it('refuses a report whose signature is not that of its claim, and takes the others', async () => {
    const [mine, others, good] = [await aClaim(), await aClaim(), await aClaim()];
    const { authorization } = report(mine, 'completed');
    const forged = header(`/task/${others.taskId}/runs/0/completed`, {
      ...others.credentials,
      accessToken: 'x',
    });
    const foreign = header(`/task/${others.taskId}/runs/0/completed`, mine.credentials);
    const narrowed = header(`/task/${mine.taskId}/runs/0/failed`, mine.credentials, { authorizedScopes: [] });
    const answers = await send([
      { taskId: others.taskId, runId: 0, state: 'completed', authorization },
      { taskId: mine.taskId, runId: 0, state: 'failed', authorization },
      { taskId: mine.taskId, runId: 1, state: 'completed', authorization },
      { taskId: others.taskId, runId: 0, state: 'completed', authorization: forged },
      { taskId: others.taskId, runId: 0, state: 'completed', authorization: foreign },
      { taskId: mine.taskId, runId: 0, state: 'failed', authorization: narrowed },
      { taskId: mine.taskId, runId: 0, state: 'failed', authorization: 'Bearer x' },
      report(good, 'completed'),
    ]);
    const refused = 'AuthenticationFailed';
    const lacking = 'InsufficientScopes';
    assert.deepEqual(ends(answers), [
      refused,
      refused,
      refused,
      refused,
      lacking,
      lacking,
      refused,
      'completed',
    ]);
    assert.deepEqual([answers[0]?.error?.statusCode, answers[4]?.error?.statusCode], [401, 403]);
    for (const { taskId } of [mine, others]) assert.equal((await stateOf(taskId)).state, 'running');
  });

  it('lends no report the rights of the caller who brings the list', async () => {
    const { taskId } = await aClaim();
    // The root client, which brings it, may resolve everything.
    const answers = await send([{ taskId, runId: 0, state: 'completed', authorization: 'Hawk' }]);
    assert.deepEqual(ends(answers), ['AuthenticationFailed']);
    assert.equal((await stateOf(taskId)).state, 'running');
  });

  it('is for those who may claim work, and needs no further scope', async () => {
    const claimed = await aClaim();
    const body = { reports: [report(claimed, 'completed')] };
    const elsewhere = { scopes: ['queue:claim-work:prov/other', 'queue:resolve-task:*'], body };
    assert.equal((await app.ask('POST', '/report-runs/prov%2Ftype', elsewhere)).status, 403);
    assert.equal((await stateOf(claimed.taskId)).state, 'running');
    assert.deepEqual(ends(await send(body.reports, { scopes: ['queue:claim-work:prov/type'] })), [
      'completed',
    ]);
  });

  it('answers a repeated list as the first time, and changes nothing more', async () => {
    const reports = [
      report(await aClaim(), 'completed'),
      report(await aClaim(), 'exception', 'internal-error'),
    ];
    const answers = await send(reports);
    const after = (await app.messages()).length;
    assert.deepEqual(await send(reports), answers);
    assert.equal((await app.messages()).length, after);
  });

  it('takes a run that is named twice: the same end again changes nothing, another one is a conflict', async () => {
    const [same, other] = [await aClaim(), await aClaim()];
    const answers = await send([
      report(same, 'completed'),
      report(other, 'failed'),
      report(same, 'completed'),
      report(other, 'completed'),
    ]);
    assert.deepEqual(ends(answers), ['completed', 'failed', 'completed', 'RequestConflict']);
    assert.equal(answers[3]?.error?.statusCode, 409);
    assert.deepEqual((await messagesOf(same.taskId)).filter((name) => name === 'task-completed').length, 1);
  });

  it('refuses reports of runs that are over, that another worker has, or that never were', async () => {
    const late = await aClaim();
    await app.ask('POST', `/task/${late.taskId}/cancel`);
    const retried = await aClaim();
    await send([report(retried, 'exception', 'worker-shutdown')]);
    const again = await claim(retried.taskId, 1);
    const good = await aClaim();
    const answers = await send([
      report(late, 'completed'),
      report(retried, 'completed'),
      report(good, 'completed'),
      report(again, 'completed', undefined, 1),
    ]);
    assert.deepEqual(ends(answers), ['RequestConflict', 'RequestConflict', 'completed', 'completed']);
  });

  it('refuses an exception without a reason and a reason without an exception', async () => {
    const claimed = await aClaim();
    const answers = await send([
      report(claimed, 'exception'),
      report(claimed, 'completed', 'internal-error'),
    ]);
    assert.deepEqual(ends(answers), ['InputValidationError', 'InputValidationError']);
    assert.equal((await stateOf(claimed.taskId)).state, 'running');
  });

  it('takes no signature with the hash of a body, which it could not check', async () => {
    const claimed = await aClaim();
    const { clientId, accessToken, certificate } = claimed.credentials;
    const url = `http://localhost:80/api/queue/v1/task/${claimed.taskId}/runs/0/completed`;
    const { header: authorization } = hawk.client.header(url, 'POST', {
      credentials: { id: clientId, key: accessToken, algorithm: 'sha256' },
      timestamp: Math.floor(app.clock.now().getTime() / 1000),
      ext: Buffer.from(JSON.stringify({ certificate: JSON.parse(certificate) })).toString('base64'),
      payload: '{}',
      contentType: 'application/json',
    });
    const answers = await send([{ taskId: claimed.taskId, runId: 0, state: 'completed', authorization }]);
    assert.deepEqual(ends(answers), ['AuthenticationFailed']);
  });

  it('refuses a whole list that is no list of reports, and does not repeat its signatures', async () => {
    const claimed = await aClaim();
    const good = report(claimed, 'completed');
    const lists = [
      [],
      [good, {}],
      [good, { ...good, state: 'running' }],
      Array.from({ length: 101 }, () => good),
    ];
    for (const reports of lists) {
      const reply = await app.ask('POST', '/report-runs/prov%2Ftype', { body: { reports } });
      assert.deepEqual([reply.status, reply.code], [400, 'InputValidationError']);
      assert.ok(!JSON.stringify(reply.body).includes('mac='), JSON.stringify(reply.body));
    }
    assert.equal((await stateOf(claimed.taskId)).state, 'running');
  });

  // Last, since it moves the clock.
  it('refuses the report of a claim that has expired', async () => {
    const [old, renewed] = [await aClaim(), await aClaim()];
    app.clock.advance(minutes(26));
    const fresh = await aClaim();
    const answers = await send([report(old, 'completed'), report(fresh, 'completed')]);
    assert.deepEqual(ends(answers), ['AuthenticationFailed', 'completed']);
    assert.equal((await stateOf(renewed.taskId)).state, 'running');
  });
});

describe('a fault of the server', () => {
  const may = async () => ({ clientId: 'claim', satisfies: () => true });
  const context = { authenticate: may, log: silentLog } as unknown as Context;
  const list = ['sound', 'broken'].map((taskId) => ({
    taskId,
    runId: 0,
    state: 'completed' as const,
    authorization: 'Hawk',
  }));
  /** Reports of which one cannot be resolved because of this error. */
  const reported = (error: Error) => {
    const one = async ({ taskId }: Report): Promise<TaskRecord> => {
      if (taskId === 'broken') throw error;
      const times = { deadline: new Date(0), expires: new Date(0) };
      return {
        taskId,
        taskQueueId: 'prov/type',
        runs: [],
        retriesLeft: 0,
        priority: 0,
        ...times,
      } as unknown as TaskRecord;
    };
    const all = async () => assert.fail('one that fails would take the answers of the others with it');
    return reportRuns(context, { one, all }, { reports: list, headers: {} });
  };

  it('is the answer to the report that it concerns', async () => {
    const { reports } = JSON.parse(await reported(new TypeError('planted'))) as { reports: Answers };
    assert.deepEqual(
      reports.map(({ taskId, error }) => [taskId, error?.statusCode]),
      [
        ['sound', undefined],
        ['broken', 500],
      ],
    );
    assert.doesNotMatch(JSON.stringify(reports), /planted/);
  });

  it('is the answer to the whole list when the database is away', async () => {
    const away = Object.assign(new Error('The connection broke'), { code: '08006' });
    await assert.rejects(reported(away), away);
  });
});
