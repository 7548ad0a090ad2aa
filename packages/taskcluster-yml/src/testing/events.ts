import type { EventContext, Refused, Rendering, RenderRequest } from '../index.ts';
import { renderTaskclusterYml } from '../index.ts';
import { describeMistake } from '../template/index.ts';

const sha = '5f7d6c3a1e9b4d2c8f0a7b6e5d4c3b2a19080706';

const repository = {
  name: 'demo',
  full_name: 'demo-org/demo',
  html_url: 'https://github.com/demo-org/demo',
  clone_url: 'https://github.com/demo-org/demo.git',
  default_branch: 'main',
  owner: { login: 'demo-org' },
};

/** The body of a push, as far as tests look at it. */
export const push = (more: object = {}) => ({
  ref: 'refs/heads/main',
  before: 'b'.repeat(40),
  after: sha,
  deleted: false,
  head_commit: { id: sha, message: 'Add things up', author: { email: 'dev@example.org' } },
  commits: [],
  repository,
  sender: { login: 'dev', id: 7 },
  ...more,
});

/** The body of a pull request's webhook. */
export const pullRequest = (more: object = {}) => ({
  action: 'opened',
  number: 36,
  pull_request: {
    number: 36,
    title: 'Better sums',
    user: { login: 'stranger' },
    head: {
      ref: 'sums',
      sha,
      user: { login: 'stranger' },
      repo: { name: 'demo', clone_url: 'https://github.com/stranger/demo.git' },
    },
    base: { ref: 'main', sha: 'b'.repeat(40), user: { login: 'demo-org' }, repo: repository },
  },
  repository,
  sender: { login: 'stranger', id: 8 },
  ...more,
});

/** Slugids in a row: each has the form of one, and the next is another. */
export const slugids = (): (() => string) => {
  let count = 0;
  return () => `AAAAAAAAQACA${String(count++).padStart(9, '0')}A`;
};

export const now = '2026-03-01T12:00:00.000Z';

export type Given = Partial<EventContext> & { readonly taskSchema?: object };

/** Renders a file for an event of demo-org/demo; a push to main unless told otherwise. */
export const render = (text: string, { taskSchema, ...context }: Given = {}): Rendering | Refused => {
  const request: RenderRequest = {
    text,
    fileName: '.taskcluster.yml',
    context: {
      tasksFor: 'github-push',
      rootUrl: 'https://tasks.example.com',
      organization: 'demo-org',
      repository: 'demo',
      event: push(),
      now,
      ...context,
    },
    slugid: slugids(),
    taskSchema,
  };
  return renderTaskclusterYml(request);
};

/** The same for a file that is right. */
export const rendered = (text: string, given?: Given): Rendering => {
  const result = render(text, given);
  if ('mistakes' in result) throw new Error(result.mistakes.map(describeMistake).join('\n'));
  return result;
};

/** The mistakes of a file that is wrong, a line each. */
export const mistakesOf = (text: string, given?: Given): string[] => {
  const result = render(text, given);
  return 'mistakes' in result ? result.mistakes.map(describeMistake) : [];
};

interface Body {
  readonly payload: { readonly command?: unknown; readonly env?: Readonly<Record<string, string>> };
  readonly extra: Readonly<Record<string, readonly string[]>>;
  readonly [field: string]: unknown;
}

/** The body of the first task of a file that is right. */
export const firstBody = (text: string, given?: Given): Body => {
  const [first] = rendered(text, given).tasks;
  if (!first) throw new Error('there are no tasks');
  return first.task as unknown as Body;
};
