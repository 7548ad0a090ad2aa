import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PullProgress } from './pull-progress.ts';

test('the progress of a pull counts layers and bytes, and what is there already', () => {
  const progress = new PullProgress();
  assert.equal(progress.line(), '0 of 0 layers, 0.0 MB of 0.0 MB');
  progress.add({ id: 'latest', status: 'Pulling from team/tool' });
  progress.add({ id: 'a', status: 'Pulling fs layer' });
  progress.add({ id: 'b', status: 'Already exists' });
  progress.add({ id: 'a', status: 'Downloading', progressDetail: { current: 1_500_000, total: 4_000_000 } });
  assert.equal(progress.line(), '1 of 2 layers, 1.5 MB of 4.0 MB');
  progress.add({ id: 'c', status: 'Pulling fs layer', progressDetail: {} });
  progress.add({ id: 'c', status: 'Download complete', progressDetail: {} });
  assert.equal(progress.line(), '2 of 3 layers, 1.5 MB of 4.0 MB');
  progress.add({ id: 'a', status: 'Extracting', progressDetail: { current: 100, total: 4_000_000 } });
  progress.add({ id: 'a', status: 'Pull complete' });
  progress.add({ status: 'Digest: sha256:…' });
  assert.equal(progress.line(), '3 of 3 layers, 4.0 MB of 4.0 MB');
});
