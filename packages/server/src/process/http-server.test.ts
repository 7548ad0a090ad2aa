import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { it } from 'node:test';
import { eventually, within } from '@taskyard/patience';
import { manualClock, seconds } from '../base/index.ts';
import { readConfig } from '../config/index.ts';
import { openEntrance } from './entrance.ts';
import { createHttpServer } from './http-server.ts';

it('a clean stop waits at most twenty seconds for a body that does not end', async (t) => {
  const clock = manualClock();
  const begun: string[] = [];
  const register = (server: Parameters<Parameters<typeof createHttpServer>[0]['register']>[0]): void => {
    server.addHook('onRequest', async (request) => void begun.push(request.url));
    server.post('/slow', async () => 'done');
  };
  const http = await createHttpServer({ register }, readConfig({ env: {} }), clock);
  const entrance = await openEntrance({ host: '127.0.0.1', port: 0 }, http.take);
  const socket = connect(Number(new URL(entrance.url).port), '127.0.0.1');
  t.after(() => socket.destroy());
  const closed = new Promise<void>((resolve) => socket.on('error', () => {}).once('close', () => resolve()));
  socket.write(
    'POST /slow HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
  );
  await eventually('the request', () => begun.length > 0);

  await entrance.close();
  let isDrained = false;
  const drained = http.drain().then(() => {
    isDrained = true;
  });
  clock.advance(seconds(19));
  socket.write(' ');
  // It still waits after nineteen seconds.
  await eventually('the byte to be taken', () => socket.writableLength === 0);
  assert.equal(isDrained, false);
  assert.equal(socket.destroyed, false);
  await eventually('the end of the stop', () => {
    clock.advance(seconds(1));
    return isDrained;
  });
  await within('the end of the connection', closed);
  await within('the end of the stop', drained);
});
