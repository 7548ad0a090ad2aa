import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { writeCheckoutRules } from './checkout-rules.ts';
import { localEvent } from './events.ts';
import { readGitState } from './git-state.ts';

const folder = mkdtempSync(join(tmpdir(), 'taskyard-git-state-'));
after(() => rmSync(folder, { recursive: true }));
const who = { GIT_AUTHOR_NAME: 'Dev', GIT_COMMITTER_NAME: 'Dev', EMAIL: 'dev@example.org' };

const git = (place: string, words: readonly string[], env: Readonly<Record<string, string>> = {}): string =>
  execFileSync('git', words, {
    cwd: place,
    env: { PATH: process.env.PATH, HOME: folder, ...who, ...env },
    encoding: 'utf8',
  }).trim();

/** A checkout of demo-org/demo with a branch of its own, and a name that git has to quote. */
const aCheckout = (name: string, remote = 'git@github.com:demo-org/demo.git'): string => {
  git(folder, ['init', '-q', '-b', 'main', name]);
  const place = join(folder, name);
  git(place, ['remote', 'add', 'origin', remote]);
  git(place, ['commit', '-q', '--allow-empty', '-m', 'begin']);
  git(place, ['checkout', '-q', '-b', 'topic/sums']);
  git(place, ['commit', '-q', '--allow-empty', '-m', 'Add things up\n\nAll of them.']);
  return place;
};

const slugid = (): string => 'AAAAAAAAQACAAAAAAAAAAA';

describe('the event of a checkout', () => {
  const place = aCheckout('one');

  it('is a push of the branch, with the commit, its parent, and the names of the remote', async () => {
    const state = await readGitState(place);
    const { tasksFor, event, headUserEmail } = localEvent('push', state, { slugid });
    const told = event as Record<string, Record<string, unknown>>;
    assert.equal(tasksFor, 'github-push');
    assert.equal(headUserEmail, 'dev@example.org');
    assert.equal(told.ref, 'refs/heads/topic/sums');
    assert.equal(told.after, git(place, ['rev-parse', 'HEAD']));
    assert.equal(told.before, git(place, ['rev-parse', 'HEAD^']));
    assert.equal(told.head_commit?.message, 'Add things up\n\nAll of them.');
    assert.equal(told.repository?.clone_url, 'https://github.com/demo-org/demo.git');
    assert.equal(told.repository?.default_branch, 'main');
  });

  it('is a pull request against the default branch', async () => {
    const { event } = localEvent('pull-request', await readGitState(place), { slugid });
    const pull = event?.pull_request as Record<string, Record<string, unknown>>;
    const { head, base, title } = pull;
    assert.equal(title, 'Add things up');
    assert.equal(head?.ref, 'topic/sums');
    assert.equal(base?.ref, 'main');
    assert.equal(base?.sha, git(place, ['rev-parse', 'main']));
  });

  it('has the tag of the commit, and what is given goes before all else, at any depth', async () => {
    git(place, ['tag', 'v1']);
    const state = await readGitState(place);
    assert.equal(localEvent('tag', state, { slugid }).event?.ref, 'refs/tags/v1');
    const given = { repository: { default_branch: 'trunk' }, commits: [] };
    const { event } = localEvent('release', state, { given, slugid });
    const told = event as Record<string, Record<string, unknown>>;
    assert.equal(told.release?.tag_name, 'v1');
    assert.equal(told.repository?.default_branch, 'trunk');
    assert.equal(told.repository?.name, 'demo');
  });

  it('is a comment with its command', async () => {
    const given = { comment: { body: 'hm\n/taskcluster try all' } };
    const { event } = localEvent('comment', await readGitState(place), { given, slugid });
    assert.equal(event?.taskcluster_comment, 'try all');
  });

  it('is the same where somebody has git show signatures, and tags in columns', async () => {
    const place = aCheckout('signed');
    const before = await readGitState(place);
    // A commit that is signed by nobody that this machine knows.
    const text = git(place, ['cat-file', 'commit', 'HEAD']);
    const signature = 'gpgsig -----BEGIN SSH SIGNATURE-----\n AAAA\n -----END SSH SIGNATURE-----';
    const signed = execFileSync('git', ['-C', place, 'hash-object', '-t', 'commit', '-w', '--stdin'], {
      input: `${text.replace(/\n\n/, `\n${signature}\n\n`)}\n`,
      encoding: 'utf8',
    }).trim();
    git(place, ['reset', '-q', '--soft', signed]);
    for (const tag of ['v1', 'v2']) git(place, ['tag', tag]);
    git(place, ['config', 'log.showSignature', 'true']);
    git(place, ['config', 'column.ui', 'always']);
    const state = await readGitState(place);
    assert.equal(state.head.hash, signed);
    assert.deepEqual(state.head.author, before.head.author);
    assert.match(state.tag ?? '', /^v[12]$/);
  });

  it('is an action on a pull request, with both of its ends', async () => {
    const { tasksFor, event, names } = localEvent('pr-action', await readGitState(place), { slugid });
    assert.deepEqual([tasksFor, event], ['pr-action', undefined]);
    const { push, repository, action } = names as Record<string, Record<string, unknown>>;
    assert.equal(push?.branch, 'topic/sums');
    assert.equal(push?.revision, git(place, ['rev-parse', 'HEAD']));
    assert.equal(push?.base_branch, 'main');
    assert.equal(push?.base_revision, git(place, ['rev-parse', 'main']));
    assert.equal(repository?.base_url, 'https://github.com/demo-org/demo');
    assert.equal(action?.repo_scope, 'assume:repo:github.com/demo-org/demo:pr-action:generic');
  });

  it('cannot be made where there is no checkout', async () => {
    await assert.rejects(readGitState(folder), { exitCode: 2, message: /made out of a commit/ });
  });
});

describe('git in a task', () => {
  it('finds commits that nobody has pushed at each address of the repository, and leaves others alone', async () => {
    const place = aCheckout('a 100% "quoted" name');
    const rules = await writeCheckoutRules(await readGitState(place));
    const commit = git(place, ['rev-parse', 'HEAD']);
    const addresses = [
      'https://github.com/demo-org/demo',
      'https://github.com/demo-org/demo.git',
      'git@github.com:demo-org/demo.git',
    ];
    for (const [index, address] of addresses.entries()) {
      git(folder, ['init', '-q', `task-${index}`]);
      const task = join(folder, `task-${index}`);
      git(task, ['fetch', '-q', '--depth=1', address, commit], rules.environment);
      assert.equal(git(task, ['rev-parse', 'FETCH_HEAD']), commit);
    }
    for (const other of ['demo-other', 'demo.github.io', 'demo2', 'demo.git.old']) {
      const address = `https://github.com/demo-org/${other}`;
      assert.equal(git(folder, ['ls-remote', '--get-url', address], rules.environment), address);
    }
    await rules.remove();
  });

  it('finds them where the files belong to somebody else, as they do for root in a container', async () => {
    const place = aCheckout('theirs');
    const rules = await writeCheckoutRules(await readGitState(place));
    const commit = git(place, ['rev-parse', 'HEAD']);
    if (process.getuid?.() === 0) {
      for (const path of readdirSync(place, { recursive: true, encoding: 'utf8' }))
        chownSync(join(place, path), 65534, 65534);
    }
    git(folder, ['init', '-q', 'task']);
    const address = 'https://github.com/demo-org/demo';
    git(join(folder, 'task'), ['fetch', '-q', address, commit], rules.environment);
    await rules.remove();
  });
});
