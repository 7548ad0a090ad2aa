import type { TestContext } from 'node:test';
import { fakeServer } from './fake-server.ts';

export interface FakeMetadata {
  readonly endpoint: string;
  /** What stands below `/latest/`, by its path. */
  readonly texts: Map<string, string>;
  /** Forgets the tokens that it gave. */
  forget(): void;
}

/** The metadata service of an instance of EC2: it replies only to requests with a token. */
export const fakeMetadata = async (t: TestContext): Promise<FakeMetadata> => {
  const texts = new Map<string, string>();
  let tokens = 0;
  let oldest = 0;
  const endpoint = await fakeServer(t, ({ method, path, headers }) => {
    if (path === '/latest/api/token') {
      const isRight = method === 'PUT' && Number(headers['x-aws-ec2-metadata-token-ttl-seconds']) > 0;
      return isRight ? { status: 200, body: `token-${tokens++}` } : { status: 400 };
    }
    const token = /^token-(\d+)$/.exec(String(headers['x-aws-ec2-metadata-token']))?.[1];
    if (token === undefined || Number(token) < oldest) return { status: 401, body: 'no token' };
    const body = texts.get(path.replace('/latest/', ''));
    return body === undefined ? { status: 404, body: 'nothing' } : { status: 200, body };
  });
  return {
    endpoint,
    texts,
    forget: () => {
      oldest = tokens;
    },
  };
};
