import { join } from 'node:path';
import { type Ending, type Platform, root } from './platform.ts';

/** A check run as GitHub keeps it. */
export interface CheckRun {
  readonly id: number;
  readonly name: string;
  readonly head_sha: string;
  readonly status: string;
  readonly conclusion: string | null;
  readonly output?: { readonly title: string; readonly summary: string; readonly text?: string };
}

/** The GitHub that the tests of the server have: see `github/testing` there. */
export interface Github {
  readonly url: string;
  readonly appId: string;
  readonly privateKey: string;
  readonly secret: string;
  /** Files by `commit:path`; the default branch's by `:path`. */
  readonly files: Map<string, string>;
  readonly collaborators: Set<string>;
  readonly checkRuns: CheckRun[];
  /** Every state of check runs, in order: `name status conclusion`. */
  readonly history: string[];
  readonly comments: { readonly place: string; readonly body: string }[];
  headersFor(event: string, body: string, eventId?: string): Record<string, string>;
  close(): Promise<void>;
}

type Fields = Readonly<Record<string, unknown>>;

interface Payloads {
  push(fields?: Fields): Fields;
  pullRequest(fields?: Fields, pull?: Fields): Fields;
  headOfFork(login: string): Fields;
  checkRun(id: number): Fields;
}

interface ServerParts {
  fakeGithub(): Promise<Github>;
  readonly payloads: Payloads;
}

/** Starts a GitHub on this machine, and says what it sends. Packages do not export it. */
export const aGithub = async (test: Ending): Promise<{ github: Github; payloads: Payloads }> => {
  const parts = join(root, 'packages/server/dist/github/testing/index.js');
  const { fakeGithub, payloads } = (await import(parts)) as ServerParts;
  const github = await fakeGithub();
  test.after(() => github.close());
  return { github, payloads };
};

/** The settings of a platform that this GitHub sends to. */
export const settingsFor = ({ url, appId, privateKey, secret }: Github): Record<string, string> => ({
  GITHUB_API_URL: url,
  GITHUB_APP_ID: appId,
  GITHUB_PRIVATE_PEM: privateKey.replaceAll('\n', '\\n'),
  // No secret has blanks in it: two are told apart by them.
  WEBHOOK_SECRET: secret,
});

/** Sends an event as GitHub does; returns what the platform answers. */
export const deliver = async (
  { rootUrl }: Platform,
  github: Github,
  [event, payload, eventId]: [event: string, payload: object, eventId?: string],
): Promise<{ status: number; message: string }> => {
  const body = JSON.stringify(payload);
  const headers = github.headersFor(event, body, eventId);
  const reply = await fetch(`${rootUrl}/api/github/v1/github`, { method: 'POST', headers, body });
  const { message = '' } = (await reply.json()) as { message?: string };
  return { status: reply.status, message };
};
