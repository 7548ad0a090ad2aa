import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { eventually } from '@taskyard/patience';
import { freePort } from './free-port.ts';
import { type Ending, root } from './platform.ts';

const program = join(root, 'test/metadata-mock/bin/ec2-metadata-mock');

/** The reason to leave out tests that need AWS's mock, or false. CI does not build it. */
export const skipWithoutMetadataMock =
  !existsSync(program) && "AWS's metadata mock is not built: test/metadata-mock/install does it";

const tokenHeader = 'x-aws-ec2-metadata-token';
const ttlHeader = `${tokenHeader}-ttl-seconds`;

/** The metadata of an instance of another cloud, with the sessions and the notices of AWS's mock. */
export interface MockedMetadata {
  readonly endpoint: string;
  /** What the instance has asked the mock for, and the status of each answer. */
  readonly asked: readonly { readonly path: string; readonly status: number }[];
  /** Where the cloud tells the instance who it is. */
  own: string;
  /** Starts the mock again with these options: sessions from before are forgotten. */
  restart(options: readonly string[]): Promise<void>;
}

const newToken = async (endpoint: string): Promise<Response> =>
  fetch(`${endpoint}/latest/api/token`, { method: 'PUT', headers: { [ttlHeader]: '60' } });

/** Starts the mock with options of its command `spot`; it wants a session for each request. */
const startMock = async (port: number, options: readonly string[]) => {
  const child = spawn(
    program,
    ['spot', '--hostname', '127.0.0.1', '--port', String(port), '--imdsv2', ...options],
    { stdio: 'ignore' },
  );
  const gone = once(child, 'exit');
  await eventually('the mock to listen', () =>
    newToken(`http://127.0.0.1:${port}`).then(
      ({ ok }) => ok || undefined,
      () => undefined,
    ),
  );
  return async (): Promise<void> => {
    child.kill('SIGKILL');
    await gone;
  };
};

const isOfMock = /^\/latest\/(api\/token|meta-data\/(spot|events)\/)/;

const forwarded = async (to: string, { method = 'GET', headers, url = '' }: IncomingMessage) => {
  const kept = [tokenHeader, ttlHeader].flatMap((name) =>
    headers[name] === undefined ? [] : [[name, String(headers[name])] as [string, string]],
  );
  const reply = await fetch(to + url, { method, headers: kept });
  return { status: reply.status, text: await reply.text() };
};

/** Serves it. The mock is not there until it is started. */
export const mockedMetadata = async (test: Ending): Promise<MockedMetadata> => {
  const port = await freePort();
  const asked: { path: string; status: number }[] = [];
  let stop = async (): Promise<void> => undefined;
  const server = createServer(async (request, response) => {
    const { url: path = '' } = request;
    try {
      if (!isOfMock.test(path)) request.headers[tokenHeader] = await (await newToken(metadata.own)).text();
      const reply = await forwarded(isOfMock.test(path) ? `http://127.0.0.1:${port}` : metadata.own, request);
      if (isOfMock.test(path)) asked.push({ path: path.replace('/latest/', ''), status: reply.status });
      response.writeHead(reply.status).end(reply.text);
    } catch {
      response.destroy();
    }
  }).listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  test.after(async () => {
    await stop();
    server.closeAllConnections();
    server.close();
  });
  const metadata: MockedMetadata = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    own: '',
    restart: async (options) => {
      await stop();
      stop = await startMock(port, options);
    },
  };
  return metadata;
};
