import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Machine, reasonToSkip } from './machine.ts';

const machine: Machine = { withoutContainers: undefined, kept: [] };
const bare: Machine = { ...machine, withoutContainers: 'there is no container engine' };
const task = (taskQueueId: string, payload: object) => ({ taskQueueId, payload });
const generic = { command: [['true']], maxRunTime: 60 };

describe('a task that this machine cannot run', () => {
  it('is one for Windows, by its payload or the name of its queue', () => {
    assert.match(reasonToSkip(task('a/b', { command: ['dir'] }), machine) ?? '', /needs Windows/);
    const features = { runAsAdministrator: true };
    assert.match(reasonToSkip(task('a/b', { ...generic, features }), machine) ?? '', /needs Windows/);
    for (const queue of ['gecko-t/win11-64-2009', 'team/windows', 'team/build-win2022', 'team/win10-gpu'])
      assert.match(reasonToSkip(task(queue, generic), machine) ?? '', /needs Windows/, queue);
    for (const queue of ['team/winner', 'team/linux', 'team/darwin-cross', 'window/seat'])
      assert.equal(reasonToSkip(task(queue, generic), machine), undefined, queue);
  });

  it('is one for a GPU, in an image or not', () => {
    assert.match(reasonToSkip(task('team/linux-gpu', generic), machine) ?? '', /a GPU/);
    assert.match(reasonToSkip(task('team/linux-gpu', { image: 'x' }), machine) ?? '', /a GPU/);
  });

  it('is one with an image, without a container engine, and names both', () => {
    assert.equal(reasonToSkip(task('a/b', { image: 'alpine:3' }), machine), undefined);
    const reason = reasonToSkip(task('a/b', { image: 'alpine:3' }), bare);
    assert.equal(reason, 'it runs in the image alpine:3, and there is no container engine');
    const indexed = { image: { type: 'indexed-image', namespace: 'a.b', path: 'public/x.tar' } };
    assert.match(reasonToSkip(task('a/b', indexed), bare) ?? '', /image a\.b/);
  });

  it('is one for a worker of another kind, such as those that sign', () => {
    assert.match(
      reasonToSkip(task('signing/linux', { upstreamArtifacts: [] }), machine) ?? '',
      /neither a command/,
    );
  });

  it('is one that the user keeps away; those of the server itself never are', () => {
    const kept = { ...machine, kept: ['team/large-*'] };
    assert.match(reasonToSkip(task('team/large-linux', generic), kept) ?? '', /not to be served here/);
    assert.equal(reasonToSkip(task('team/linux', generic), kept), undefined);
    assert.equal(reasonToSkip(task('built-in/succeed', {}), { ...machine, kept: ['*'] }), undefined);
  });

  it('may name its queue in two parts', () => {
    const old = { provisionerId: 'team', workerType: 'win2012', payload: generic };
    assert.match(reasonToSkip(old, machine) ?? '', /needs Windows \(team\/win2012\)/);
  });
});
