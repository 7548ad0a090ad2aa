import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { provideImage } from './container.ts';
import type { Run } from './run.ts';

/** Fails as a call of a daemon does whose name has two addresses, when nobody listens at either. */
const callNobody = async (): Promise<never> => {
  const socket = connect({
    host: 'daemon',
    port: 1,
    lookup: (_name, _options, done) => {
      const addresses = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
      done(null, addresses as never, 4);
    },
  });
  await once(socket, 'connect');
  throw new Error('somebody listens');
};

test('error-inside-200: a daemon that no address of its name answers for is not the fault of the task', async () => {
  const said: string[] = [];
  const run = {
    tools: { engine: { containers: { images: { provide: callNobody } } } },
    claim: {},
    log: { info: () => undefined, error: (text: string) => said.push(text) },
    interrupted: new AbortController().signal,
  } as unknown as Run;
  await assert.rejects(provideImage(run, { type: 'docker-image', name: 'any:1' }), { code: 'ECONNREFUSED' });
  assert.deepEqual(said, []);
});
