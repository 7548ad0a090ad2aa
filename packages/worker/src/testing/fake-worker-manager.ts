import type { TestContext } from 'node:test';
import { fakeServer } from './fake-server.ts';

export interface FakeWorkerManager {
  readonly rootUrl: string;
  /** The bodies of its requests, by the method of its API. */
  readonly asked: {
    readonly name: string;
    readonly body: Record<string, unknown>;
    readonly clientId: string;
  }[];
  /** Replies that differ from those to a worker that is admitted and may stay. */
  readonly answers: {
    terminate: boolean;
    status: number;
    lifetimeMs: number;
    workerConfig: object;
    /** Called before a registration is answered. */
    onRegistration?: (() => void) | undefined;
    /** Called before a renewal is answered. */
    onRenewal?: (() => void) | undefined;
  };
}

const nameOf = (method: string, path: string): string => {
  if (path.endsWith('/worker/register')) return 'registerWorker';
  if (path.endsWith('/worker/reregister')) return 'reregisterWorker';
  if (path.endsWith('/should-terminate')) return 'shouldWorkerTerminate';
  if (path.endsWith('/drain')) return 'drainWorker';
  if (path.includes('/worker-pool-errors/')) return 'reportWorkerError';
  return method === 'DELETE' ? 'removeWorker' : path;
};

/** Lets every worker in; each secret that it gives holds once. */
export const fakeWorkerManager = async (t: TestContext): Promise<FakeWorkerManager> => {
  const asked: FakeWorkerManager['asked'] = [];
  const answers: FakeWorkerManager['answers'] = {
    terminate: false,
    status: 200,
    lifetimeMs: 3_600_000,
    workerConfig: {},
  };
  let secrets = 0;
  const admitted = () => ({
    expires: new Date(Date.now() + answers.lifetimeMs).toJSON(),
    credentials: { clientId: `worker/${++secrets}`, accessToken: 'secret', certificate: '{}' },
    secret: `secret-${secrets}`,
  });
  const rootUrl = await fakeServer(t, ({ method, path, body: text, headers }) => {
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    const name = nameOf(method, path);
    const clientId = /id="([^"]*)"/.exec(headers.authorization ?? '')?.[1] ?? '';
    asked.push({ name, body, clientId });
    if (answers.status !== 200) return { status: answers.status, body: { message: 'told to fail' } };
    if (name === 'registerWorker') {
      answers.onRegistration?.();
      return { status: 200, body: { ...admitted(), workerConfig: answers.workerConfig } };
    }
    if (name === 'reregisterWorker') {
      answers.onRenewal?.();
      const isRight = body.secret === `secret-${secrets}`;
      return isRight
        ? { status: 200, body: admitted() }
        : { status: 400, body: { message: 'no such secret' } };
    }
    if (name === 'shouldWorkerTerminate')
      return { status: 200, body: { terminate: answers.terminate, reason: 'told to' } };
    return { status: 200 };
  });
  return { rootUrl, asked, answers };
};
