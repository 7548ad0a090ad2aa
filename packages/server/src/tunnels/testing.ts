import { createServer, type ServerHttp2Stream } from 'node:http2';
import { within } from '@taskyard/patience';
import { createWebSocketStream, WebSocket } from 'ws';

/** For tests: a worker that has dialed in, and replies as the test says. */
export interface DialledWorker {
  /** The tunnel's URL, from the server. */
  readonly url: string;
  readonly socket: WebSocket;
  /** Resolves with the code by which the connection ended. */
  readonly closed: Promise<number>;
}

type AnswerStream = (stream: ServerHttp2Stream, path: string) => void;

/** For tests: dials in at a URL of the server; rejects with the status of a refusal. */
export const dialIn = (url: string, clientId: string, answer: AnswerStream): Promise<DialledWorker> => {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers: { authorization: clientId } });
  let tunnelUrl = '';
  const opened = new Promise<DialledWorker>((resolve, reject) => {
    socket.once('upgrade', ({ headers }) => {
      tunnelUrl = String(headers['x-taskyard-tunnel']);
    });
    socket.once('unexpected-response', (request, { statusCode }) => {
      request.destroy();
      reject(statusCode);
    });
    socket.on('error', reject);
    socket.once('open', () => {
      const duplex = createWebSocketStream(socket);
      duplex.on('error', () => {});
      const speaker = createServer();
      speaker.on('sessionError', () => {});
      speaker.on('stream', (stream, headers) => {
        stream.on('error', () => {});
        answer(stream, String(headers[':path']));
      });
      speaker.emit('connection', duplex);
      resolve({ url: tunnelUrl, socket, closed });
    });
  });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  return within('the server to take the worker in', opened);
};

/** For tests: begins a reply, whose end counts as complete. */
export const begin = (stream: ServerHttp2Stream, headers: Record<string, string> = {}): ServerHttp2Stream => {
  stream.respond({ ':status': 200, ...headers }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ whole: 'yes' }));
  return stream;
};
