import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { findServer, readEnvironment } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'taskyard-cli-'));
after(() => rmSync(folder, { recursive: true }));

const file = join(folder, 'credentials.env');
writeFileSync(
  file,
  [
    'TASKCLUSTER_ROOT_URL=http://localhost:1234',
    'TASKCLUSTER_CLIENT_ID="root"',
    'TASKCLUSTER_ACCESS_TOKEN=secret',
  ].join('\n'),
);
const ofFile = { rootUrl: 'http://localhost:1234', credentials: { clientId: 'root', accessToken: 'secret' } };

describe('the server of a command', () => {
  it('is the one of the environment', () => {
    const environment = readEnvironment({
      TASKCLUSTER_ROOT_URL: 'http://elsewhere',
      TASKCLUSTER_CLIENT_ID: 'me',
      TASKCLUSTER_ACCESS_TOKEN: 'mine',
      TASKCLUSTER_CERTIFICATE: '{}',
      TASKYARD_DATA: folder,
    });
    const credentials = { clientId: 'me', accessToken: 'mine', certificate: '{}' };
    assert.deepEqual(findServer(environment, undefined), { rootUrl: 'http://elsewhere', credentials });
    assert.deepEqual(findServer(environment, file), ofFile);
  });

  it('is the one of the data folder when the environment has none', () => {
    assert.deepEqual(findServer(readEnvironment({ TASKYARD_DATA: folder }), undefined), ofFile);
  });

  it('must be known', () => {
    const environment = readEnvironment({ TASKYARD_DATA: join(folder, 'absent') });
    assert.throws(() => findServer(environment, undefined), { exitCode: 2, message: /taskyard serve/ });
    assert.throws(() => findServer(environment, join(folder, 'absent.env')), { exitCode: 2 });
    writeFileSync(join(folder, 'empty.env'), '');
    assert.throws(() => findServer(environment, join(folder, 'empty.env')), /names no TASKCLUSTER_ROOT_URL/);
  });
});
