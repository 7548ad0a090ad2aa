import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type MadeUp, madeUpComment, madeUpPullRequest, madeUpPush, madeUpRelease } from './made-up.ts';

// What files of public repositories name in events.

const dev = { name: 'Dev', email: 'dev@example.org' };
const about: MadeUp = {
  organization: 'team',
  repository: 'project',
  url: 'https://github.com/team/project',
  defaultBranch: 'main',
  branch: 'topic',
  tag: 'v1.2',
  head: {
    hash: 'b'.repeat(40),
    message: 'Title\n\nMore',
    date: '2026-01-02T03:04:05Z',
    author: dev,
    committer: dev,
  },
  before: 'a'.repeat(40),
  base: 'c'.repeat(40),
};

/** The values of paths of an event. */
const valuesOf = (event: unknown, paths: readonly string[]): unknown[] =>
  paths.map((path) =>
    path.split('.').reduce<unknown>((value, key) => {
      assert.ok(typeof value === 'object' && value !== null && key in value, `${path} is missing`);
      return (value as Record<string, unknown>)[key];
    }, event),
  );

it('a pull request has its addresses, both ends and who opened it', () => {
  const paths = [
    'url',
    'html_url',
    'head.repo.html_url',
    'head.repo.url',
    'base.repo.clone_url',
    'base.user.login',
  ];
  assert.deepEqual(
    valuesOf(
      madeUpPullRequest(about),
      paths.map((path) => `pull_request.${path}`),
    ),
    [
      'https://api.github.com/repos/team/project/pulls/1',
      'https://github.com/team/project/pull/1',
      'https://github.com/team/project',
      'https://api.github.com/repos/team/project',
      'https://github.com/team/project.git',
      'team',
    ],
  );
  const more = ['number', 'sender.login', 'organization.login', 'installation.id', 'pull_request.base.sha'];
  assert.deepEqual(valuesOf(madeUpPullRequest(about), more), [1, 'dev', 'team', 1, about.base]);
});

it('a push, a release and a comment have what is theirs', () => {
  const pushed = madeUpPush(about, 'refs/tags/v1.2');
  assert.deepEqual(valuesOf(pushed, ['created', 'before', 'pusher.email', 'head_commit.author.username']), [
    true,
    '0'.repeat(40),
    'dev@example.org',
    'dev',
  ]);
  // GitHub names an address of its API in the other events.
  assert.deepEqual(valuesOf(pushed, ['repository.url', 'repository.owner.name']), [about.url, 'team']);
  assert.deepEqual(valuesOf(madeUpPush(about, 'refs/heads/topic'), ['created', 'before']), [
    false,
    about.before,
  ]);
  const released = ['release.tarball_url', 'release.url', 'repository.url'];
  assert.deepEqual(valuesOf(madeUpRelease(about), released), [
    'https://api.github.com/repos/team/project/tarball/v1.2',
    'https://api.github.com/repos/team/project/releases/1',
    'https://api.github.com/repos/team/project',
  ]);
  const commented = madeUpComment(about);
  assert.deepEqual(valuesOf(commented, ['issue.pull_request.url', 'pull_request.title', 'comment.body']), [
    'https://api.github.com/repos/team/project/pulls/1',
    'Title',
    '/taskcluster test',
  ]);
});

it('another host has its API below itself', () => {
  const enterprise = { ...about, url: 'https://git.example.org/team/project' };
  assert.deepEqual(valuesOf(madeUpPullRequest(enterprise), ['pull_request.url', 'repository.ssh_url']), [
    'https://git.example.org/api/v3/repos/team/project/pulls/1',
    'git@git.example.org:team/project.git',
  ]);
});
