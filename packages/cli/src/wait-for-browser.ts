import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { slugid } from '@taskyard/client';
import { CommandError, exitCodes } from './exit-codes.ts';
import type { Io } from './io.ts';

interface Admitted {
  readonly clientId: string;
  readonly accessToken: string;
}

interface Expected {
  /** The origin of the pages that may send credentials. */
  readonly origin: string;
  /** A secret that proves that the page is the one whose URL was printed. */
  readonly state: string;
}

const bodyBytesMax = 10_000;

/**
 * Listens on this computer until a page of the server sends credentials; `tell` is called with the URL of the page. Ctrl-C
 * ends the wait.
 */
export const waitForBrowser = async (
  io: Io,
  rootUrl: string,
  tell: (page: string) => void,
): Promise<Admitted> => {
  const expected = { origin: new URL(rootUrl).origin, state: slugid() };
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const admitted = admission(io, server, expected);
    tell(`${expected.origin}/sign-in/command-line?port=${port}&state=${expected.state}`);
    return await admitted;
  } finally {
    server.close();
    server.closeIdleConnections();
  }
};

const admission = (io: Io, server: Server, expected: Expected): Promise<Admitted> =>
  new Promise((resolve, reject) => {
    const stopListening = io.onInterrupt(() =>
      reject(new CommandError(exitCodes.interrupted, 'Nobody signed in.')),
    );
    server.on('request', async (request, response) => {
      const admitted = await admittedBy(request, expected).catch(() => undefined);
      answer(response, expected.origin, admitted ? 200 : 403);
      if (!admitted) return;
      stopListening();
      resolve(admitted);
    });
  });

// Any web page may send requests to this port. Only one of the server that knows the state is accepted.
const admittedBy = async (request: IncomingMessage, expected: Expected): Promise<Admitted | undefined> => {
  if (request.method !== 'POST' || request.headers.origin !== expected.origin) return undefined;
  const fields = new URLSearchParams(await bodyOf(request));
  const [clientId, accessToken] = [fields.get('clientId'), fields.get('accessToken')];
  return fields.get('state') === expected.state && clientId && accessToken
    ? { clientId, accessToken }
    : undefined;
};

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let body = '';
  for await (const chunk of request) {
    body += chunk;
    if (body.length > bodyBytesMax) throw new Error('Too much');
  }
  return body;
};

const answer = (response: ServerResponse, origin: string, status: number): void => {
  response
    .writeHead(status, { 'access-control-allow-origin': origin, vary: 'origin', connection: 'close' })
    .end();
};
