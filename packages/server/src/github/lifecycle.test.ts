import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seconds } from '../base/index.ts';
import {
  admit,
  attemptsMax,
  checkStateOf,
  getsCheck,
  nextAttempt,
  replacedBy,
  type Standing,
  standingOf,
} from './lifecycle.ts';

const tasks = (...states: string[]): Standing[] =>
  states.map((each, i) => {
    const [state = '', reasonResolved] = each.split(' ');
    return { taskId: String(i), state, reasonResolved };
  });

describe('a build', () => {
  it('is green when all of its tasks have completed, and not before', () => {
    assert.deepEqual(standingOf(tasks('completed', 'completed'), false), { state: 'success', isEnded: true });
    for (const state of ['unscheduled', 'pending', 'running'])
      assert.deepEqual(standingOf(tasks('completed', state), false), { state: 'pending', isEnded: false });
    assert.equal(standingOf([], false).state, 'pending');
  });

  it('is red with its first task that went wrong', () => {
    for (const state of ['failed', 'exception deadline-exceeded', 'exception canceled'])
      assert.deepEqual(standingOf(tasks(state, 'running'), false), { state: 'failure', isEnded: false });
    assert.deepEqual(standingOf(tasks('failed', 'completed'), false), { state: 'failure', isEnded: true });
  });

  it('that was canceled stays so, unless all of its tasks complete after all', () => {
    for (const others of [['running'], ['exception canceled'], ['failed', 'exception canceled']])
      assert.equal(standingOf(tasks('completed', ...others), true).state, 'cancelled', others.join());
    assert.equal(standingOf(tasks('completed'), true).state, 'success');
  });

  it('replaces those of its kind; to open a pull request and to push to it are one kind', () => {
    assert.deepEqual(replacedBy('push'), ['push']);
    assert.deepEqual(replacedBy('pull_request.labeled'), ['pull_request.labeled']);
    const opening = ['pull_request.opened', 'pull_request.synchronize'];
    for (const kind of opening) assert.deepEqual(replacedBy(kind), opening);
  });
});

it('no exception of a task lets a required check pass', () => {
  const conclusionOf = (each: string) => checkStateOf(tasks(each)[0] as Standing).conclusion;
  assert.deepEqual(
    ['completed', 'failed', 'exception canceled', 'exception deadline-exceeded'].map(conclusionOf),
    ['success', 'failure', 'cancelled', 'timed_out'],
  );
  for (const reason of ['worker-shutdown', 'claim-expired', 'intermittent-task', 'superseded', 'constructor'])
    assert.equal(conclusionOf(`exception ${reason}`), 'failure', reason);
  assert.equal(conclusionOf('exception malformed-payload'), 'action_required');
  for (const state of ['unscheduled', 'pending', 'running']) assert.equal(conclusionOf(state), undefined);
});

it('who is refused is told once, when the pull request is opened, unless the policy is quiet', () => {
  const asking = { isTrusted: false, action: 'opened' };
  const isTold = (...asked: Parameters<typeof admit>) =>
    'isTold' in admit(...asked) && Reflect.get(admit(...asked), 'isTold');
  assert.equal(isTold({ pullRequests: 'collaborators' }, asking), true);
  assert.equal(isTold({ pullRequests: 'collaborators' }, { ...asking, action: 'synchronize' }), false);
  assert.equal(isTold({ pullRequests: 'collaborators_quiet' }, asking), false);
});

it('what fails is tried again with longer and longer pauses, for about a day', () => {
  const now = new Date(0);
  const waits = Array.from({ length: attemptsMax }, (_, i) => nextAttempt(i + 1, now)?.getTime());
  assert.deepEqual(waits.slice(0, 3), [seconds(5), seconds(10), seconds(20)]);
  assert.equal(waits.at(-1), undefined);
  const total = waits.reduce<number>((sum, wait = 0) => sum + wait, 0);
  assert.ok(total > seconds(18 * 3600) && total < seconds(30 * 3600));
});

it('a large build leaves room for the checks of tasks that go wrong', () => {
  const [fine, wrong] = [{ state: 'running' }, { state: 'failed' }];
  assert.deepEqual(
    [799, 800, 949, 950].map((checks) => [getsCheck(fine, checks), getsCheck(wrong, checks)]),
    [
      [true, true],
      [false, true],
      [false, true],
      [false, false],
    ],
  );
});
