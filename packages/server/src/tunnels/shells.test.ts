import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { it } from 'node:test';
import { within } from '@taskyard/patience';
import type { Context } from './context.ts';
import { takingShells } from './shells.ts';

it('a handshake that is refused leaves no way to a shell open', async (t) => {
  const shell = new PassThrough();
  const closed = once(shell, 'close');
  const context = { log: {} } as Pick<Context, 'log'>;
  const take = takingShells(context, { viewersMax: 1, find: async () => shell });
  const server = createServer().on('upgrade', take).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  // Without the key of a websocket.
  const headers = { connection: 'upgrade', upgrade: 'websocket' };
  const sent = request({ port, host: '127.0.0.1', path: '/tunnels/one/shell/token', headers }).end();
  const [response] = await within('the refusal', once(sent, 'response'));
  response.resume();
  assert.equal(response.statusCode, 400);
  await within('the way to be closed', closed);
});
