import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { tarOf } from '../../testing/hostile-archives.ts';
import { temporaryDirectory } from '../../testing/places.ts';
import { dockerAt } from './connect.ts';
import { copyOut } from './copy-out.ts';

/** A container at a daemon that sends this of an archive, and breaks off unless that is all of it. */
const aContainer = async (t: TestContext, sent: Buffer, { isWhole }: { isWhole: boolean }) => {
  const stat = Buffer.from('{"linkTarget":""}').toString('base64');
  const server = createServer((request, response) => {
    response.writeHead(200, { 'x-docker-container-path-stat': stat });
    if (request.method === 'HEAD' || isWhole) response.end(sent);
    else response.write(sent, () => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return dockerAt(`tcp://127.0.0.1:${port}`).getContainer('any');
};

test('what is copied out of a container is whole, or it is a failure', async (t) => {
  const workDirectory = await temporaryDirectory(t);
  const archive = await tarOf(
    { name: 'd/', header: { type: 'directory' } },
    { name: 'd/one', content: '1\n' },
    { name: 'd/two', content: '2\n' },
  );
  const whole = await aContainer(t, archive, { isWhole: true });
  const to = join(workDirectory, 'whole');
  assert.equal(await copyOut(whole, { path: '/d', to, workDirectory }), true);
  assert.equal(await readFile(join(to, 'two'), 'utf8'), '2\n');
  // Between two entries, and within one.
  for (const length of [3 * 512, 4 * 512]) {
    const half = await aContainer(t, archive.subarray(0, length), { isWhole: false });
    const copying = copyOut(half, { path: '/d', to: join(workDirectory, 'half'), workDirectory });
    await assert.rejects(copying, /What the container left/);
  }
});
