import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fastify } from 'fastify';
import { later, manualClock, minutes, silentLog, systemClock } from '../../base/index.ts';
import { byteRoutes } from './byte-routes.ts';
import { diskBackend } from './disk.ts';
import { s3Backend } from './s3.ts';
import { backendSuite } from './testing/backend-suite.ts';
import { credentials, fakeBucket, region } from './testing/fake-bucket.ts';

backendSuite('disk', async () => {
  const clock = manualClock();
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-backend-'));
  let rootUrl = '';
  const backend = diskBackend({ folder, rootUrl: () => rootUrl, uploadBytesMax: 2 ** 20 });
  const app = fastify({ logger: false });
  // As in the API: its parser must not read uploads.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  byteRoutes(app, { disks: new Map([['', backend]]), clock, log: silentLog });
  await app.listen({ port: 0, host: '127.0.0.1' });
  rootUrl = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  return {
    backend,
    soon: () => later(clock.now(), minutes(5)),
    close: async () => {
      await app.close();
      await rm(folder, { recursive: true });
    },
  };
});

backendSuite('s3', async () => {
  const { server } = fakeBucket();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = {
    bucket: 'bucket',
    region,
    endpoint,
    forcePathStyle: true,
    ...credentials,
    prefix: 'pre/',
  };
  return {
    backend: s3Backend(options, systemClock),
    soon: () => later(systemClock.now(), minutes(5)),
    close: async () => void server.close().closeAllConnections(),
  };
});
