import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tracing } from '@taskyard/tracing';
import type { WorkerTools } from './run.ts';
import { tracePart } from './trace-run.ts';

test('the span of a part that fails its task, or throws, is marked as failed', async () => {
  const failed: string[] = [];
  const tracing = {
    begin: (name: string) => ({
      fail: (type: string) => failed.push(`${name}: ${type}`),
      end: () => undefined,
    }),
    within: (_span: unknown, run: () => unknown) => run(),
  } as unknown as Tracing;
  const tools = { tracing } as WorkerTools;
  assert.equal(await tracePart(tools, 'mount', { act: async () => 'caches' }), 'caches');
  assert.deepEqual(failed, []);
  assert.equal(await tracePart(tools, 'mount', { act: async () => undefined }), undefined);
  await assert.rejects(tracePart(tools, 'image', { act: () => Promise.reject(new TypeError('no')) }));
  assert.deepEqual(failed, ['mount: failed', 'image: TypeError']);
});
