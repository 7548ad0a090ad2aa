import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startMoto } from './moto.ts';
import type { Ending } from './platform.ts';

/** What happens to a request that does not reach the bucket. */
export type Fault = (asked: IncomingMessage, reply: ServerResponse) => void;

/** Reads all of the request, and replies with an error of S3. */
export const says =
  (status: number, code: string): Fault =>
  (asked, reply) =>
    void asked.resume().on('end', () => reply.writeHead(status).end(`<Error><Code>${code}</Code></Error>`));

/** Breaks the connection off in the midst of the bytes. */
export const cuts: Fault = (asked) => void asked.once('data', () => asked.socket.destroy());

/** Reads, and never replies. */
export const isSilent: Fault = (asked) => void asked.resume();

/** A bucket of S3 as others have built it, behind a proxy that fails as a test wants. */
export interface FaultyBucket {
  /** Settings for a platform that keeps artifacts in it. */
  readonly env: Readonly<Record<string, string>>;
  /** Each is for one request of this method. */
  add(method: string, ...faults: Fault[]): void;
  /** Requests that reached the proxy, as `PUT /bucket/key?…`. */
  readonly seen: readonly string[];
}

/** Starts it. When the test ends, so does it. */
export const aFaultyBucket = async (test: Ending): Promise<FaultyBucket> => {
  const moto = await startMoto(test);
  await fetch(`${moto}/artifacts`, { method: 'PUT' });
  const faults: { readonly method: string; readonly fault: Fault }[] = [];
  const seen: string[] = [];
  const proxy = createServer((asked, reply) => {
    const { method = '', url = '', headers } = asked;
    seen.push(`${method} ${url}`);
    const at = faults.findIndex((one) => one.method === method);
    const [found] = at < 0 ? [] : faults.splice(at, 1);
    asked.on('error', () => {});
    if (found) return found.fault(asked, reply);
    const onward = request(`${moto}${url}`, { method, headers }, (answer) => {
      reply.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(reply);
    });
    onward.on('error', () => reply.destroy());
    asked.pipe(onward);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  test.after(async () => void proxy.close().closeAllConnections());
  return {
    env: {
      S3_BUCKET: 'artifacts',
      S3_ENDPOINT: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      S3_FORCE_PATH_STYLE: 'true',
      S3_ACCESS_KEY_ID: 'key',
      S3_SECRET_ACCESS_KEY: 'secret',
    },
    add: (method, ...added) => void faults.push(...added.map((fault) => ({ method, fault }))),
    seen,
  };
};
