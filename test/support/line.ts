import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { eventually } from '@taskyard/patience';
import hawk from 'hawk';
import type { Credentials, Platform } from './platform.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
  /** The process that answered: its request ids begin with its own. */
  readonly process: string;
}

/** What a call rejects with when no reply has begun. */
export interface BrokenCall extends NodeJS.ErrnoException {
  /** Nothing had come over its connection before: the platform may never have accepted it. */
  readonly isFirst: boolean;
}

/** One connection to the platform, kept open: all calls over it reach the same process. */
export interface Line {
  call(method: string, path: string, body?: object): Promise<Answer>;
  close(): void;
}

const headerOf = (url: URL, method: string, credentials: Credentials): string =>
  hawk.client.header(url.href, method, {
    credentials: { id: credentials.clientId, key: credentials.accessToken, algorithm: 'sha256' },
  }).header;

/** Opens a connection; where it is closed by the platform, the next call opens another one. */
export const aLine = ({ rootUrl, credentials }: Pick<Platform, 'rootUrl' | 'credentials'>): Line => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const call = (method: string, path: string, body?: object): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const url = new URL(`/api/${path}`, rootUrl);
      const headers = {
        authorization: headerOf(url, method, credentials),
        ...(body ? { 'content-type': 'application/json' } : {}),
      };
      const sent = request(url, { method, headers, agent }, async (reply) => {
        const content = await text(reply).catch(reject);
        resolve({
          status: reply.statusCode ?? 0,
          headers: reply.headers,
          body: content ? (JSON.parse(content) as unknown) : undefined,
          process: String(reply.headers['x-for-request-id']).slice(0, 36),
        });
      });
      sent.once('error', (error) => reject(Object.assign(error, { isFirst: !sent.reusedSocket })));
      sent.end(body ? JSON.stringify(body) : undefined);
    });
  return { call, close: () => agent.destroy() };
};

/** Two connections to different processes of the platform. */
export const twoLines = async (platform: Platform): Promise<readonly [Line, Line]> => {
  const one = aLine(platform);
  const { process } = await one.call('GET', 'queue/v1/ping');
  const other = await eventually('a connection to another process', async () => {
    const line = aLine(platform);
    if ((await line.call('GET', 'queue/v1/ping')).process !== process) return line;
    line.close();
    return undefined;
  });
  return [one, other];
};

/** A task that is good for a while. */
export const aTask = (taskQueueId: string): object => ({
  taskQueueId,
  created: new Date().toJSON(),
  deadline: new Date(Date.now() + 3_600_000).toJSON(),
  payload: {},
  metadata: {
    name: 'a task',
    description: 'Made by a test',
    owner: 'nobody@example.com',
    source: 'https://example.com/',
  },
});
