import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandOf, detailsOf, hookPayload, policyOf, skipReason } from './index.ts';
import { now, pullRequest, push } from './testing/events.ts';

const zeros = '0'.repeat(40);

describe('an event', () => {
  it('branch-deleted: of a branch or tag that is gone makes no tasks', () => {
    for (const ref of ['refs/heads/old', 'refs/tags/v1']) {
      const event = push({ ref, deleted: true, after: zeros, head_commit: null, commits: [] });
      assert.equal(skipReason({ tasksFor: 'github-push', event }), 'branch-deleted');
    }
    assert.equal(skipReason({ tasksFor: 'github-push', event: push({ after: zeros }) }), 'branch-deleted');
    assert.equal(skipReason({ tasksFor: 'github-push', event: push({ before: zeros }) }), undefined);
  });

  it('is skipped by the message of the head commit, else of the last one, or by the title', () => {
    const pushed = (more: object) => skipReason({ tasksFor: 'github-push', event: push(more) });
    assert.equal(pushed({ head_commit: { message: 'x [Skip CI]' } }), 'skip-ci');
    assert.equal(
      pushed({ head_commit: null, commits: [{ message: 'a' }, { message: '[ci skip]' }] }),
      'skip-ci',
    );
    assert.equal(
      pushed({ head_commit: null, commits: [{ message: '[ci skip]' }, { message: 'a' }] }),
      undefined,
    );
    const event = pullRequest();
    const titled = { ...event, pull_request: { ...event.pull_request, title: '[skip ci] wip' } };
    assert.equal(skipReason({ tasksFor: 'github-pull-request-untrusted', event: titled }), 'skip-ci');
    assert.equal(skipReason({ tasksFor: 'github-release', event: {} }), undefined);
  });

  it('by a comment has the command of the line that begins with the name', () => {
    assert.equal(commandOf('Please\n/taskcluster  test all \r\nthanks'), 'test all');
    assert.equal(commandOf('see /taskcluster test'), undefined);
    assert.equal(commandOf('/taskcluster\nfoo'), undefined);
    assert.equal(commandOf('/taskclusters foo'), undefined);
  });

  it('of a pull request whose fork was deleted tells no repository', () => {
    const event = pullRequest();
    const { head } = event.pull_request;
    const gone = { ...event, pull_request: { ...event.pull_request, head: { ...head, repo: null } } };
    const details = detailsOf({
      tasksFor: 'github-pull-request',
      rootUrl: 'https://tasks.example.com',
      organization: 'demo-org',
      repository: 'demo',
      event: gone,
      now,
    });
    assert.equal(details['event.head.repo.url'], undefined);
    assert.equal(details['event.base.repo.url'], 'https://github.com/demo-org/demo.git');
    assert.equal(details['event.type'], 'pull_request.opened');
  });
});

describe('the policy of a file', () => {
  const policyIn = (text: string) => policyOf({ text, fileName: '.taskcluster.yml' });

  it('is what the file says, in either version, and `collaborators` unless it says so', () => {
    const said = 'version: 1\npolicy: {pullRequests: public_restricted, allowComments: collaborators}\n';
    assert.deepEqual(policyIn(said), {
      policy: { pullRequests: 'public_restricted', allowComments: 'collaborators' },
    });
    assert.deepEqual(policyIn('version: 0\nallowPullRequests: public\n'), {
      policy: { pullRequests: 'public' },
    });
    for (const text of ['version: 1', 'version: 0', 'version: 1\npolicy: {pullRequests: all}'])
      assert.deepEqual(policyIn(text), { policy: { pullRequests: 'collaborators' } });
  });

  it('cannot be told of a file that is none', () => {
    assert.ok('mistakes' in policyIn('version: [}'));
    assert.ok('mistakes' in policyIn('a: b'));
  });
});

describe('a hook of the file', () => {
  it('is triggered with the event and its own context', () => {
    const context = {
      tasksFor: 'github-push',
      rootUrl: 'https://tasks.example.com',
      organization: 'a',
      repository: 'b',
      event: { ref: 'x' },
      now,
    };
    assert.deepEqual(hookPayload({ name: 'a/b', context: { v: 1 } }, { context, taskId: 't' }), {
      context: { v: 1 },
      event: { ref: 'x' },
      now,
      taskcluster_root_url: 'https://tasks.example.com',
      tasks_for: 'github-push',
      taskId: 't',
    });
  });
});
