#!/usr/bin/env bash
# ws 8.18.2 with node:http2 (seen on Node 20.20.2 and 24.22.3)
#
# HTTP/2 over a websocket, with the roles turned around: who dials is the HTTP/2 server, who is dialled is the HTTP/2 client
# and speaks first. `await once(socket, 'open')` and then `createWebSocketStream(socket)` looks right, and loses the first
# frames: they arrive in one packet with the 101 and are emitted before the code behind the `await` runs. ws drops messages
# that nobody listens to. What is seen is another thing altogether: node:http2 says "Received bad client magic byte string",
# and the peer a GOAWAY with code 2. The stream has to be made before the socket is open; then nothing is lost.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund ws@8.18.2
cat >seen.mjs <<'JS'
import { once } from 'node:events';
import { connect, createServer } from 'node:http2';
import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws';

/** Dials in and answers over HTTP/2; resolves with what the other end gets, or with what goes wrong. */
const attempt = async (makesStreamFirst) => {
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(sockets, 'listening');
  const answer = new Promise((resolve) => {
    sockets.on('connection', (peer) => {
      const session = connect('http://dialled', { createConnection: () => createWebSocketStream(peer) });
      session.on('error', () => {});
      const stream = session.request({ ':path': '/' });
      stream.on('error', () => {});
      stream.on('response', ({ ':status': status }) => resolve(`answered with ${status}`));
    });
  });
  const speaker = createServer();
  const failure = once(speaker, 'sessionError').then(([error]) => error.message);
  speaker.on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    stream.end();
  });
  const socket = new WebSocket(`ws://127.0.0.1:${sockets.address().port}`);
  const early = makesStreamFirst ? createWebSocketStream(socket) : undefined;
  await once(socket, 'open');
  const duplex = early ?? createWebSocketStream(socket);
  duplex.on('error', () => {});
  speaker.emit('connection', duplex);
  const seen = await Promise.race([answer, failure]);
  socket.terminate();
  sockets.close();
  return seen;
};

console.log(`stream behind the wait: ${await attempt(false)}`);
console.log(`stream before the wait: ${await attempt(true)}`);
process.exit(0);
JS
node seen.mjs | tee seen
diff seen - <<'WANTED'
stream behind the wait: Received bad client magic byte string
stream before the wait: answered with 200
WANTED
