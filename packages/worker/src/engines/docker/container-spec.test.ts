import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noPrivileges, type Privileges } from '../../payload/index.ts';
import type { Command } from '../engine.ts';
import { containerSpec, pathsOfDevice, refusalsOf } from './container-spec.ts';
import { containerCapabilities, defaultContainerSettings } from './settings.ts';

const command: Command = {
  argv: ['make', 'all'],
  directory: '/w/runs/t-0/task',
  privateDirectory: '/w/runs/t-0',
  environment: { A: 'b' },
};
const surroundings = {
  settings: defaultContainerSettings,
  labels: { 'taskyard.task': '/w/runs/t-0/task' },
  network: 'taskyard-1',
  workerAddress: '172.18.0.1',
  user: '1000:1000',
  deviceNames: ['null', 'snd', 'video3', 'video4'],
};
const own = (privileges: Partial<Privileges> = {}, argv = command.argv) =>
  containerSpec(
    {
      ...command,
      argv,
      container: {
        image: 'sha256:own',
        volumes: [{ directory: 'volumes/0', path: '/cache' }],
        privileges: { ...noPrivileges, ...privileges },
      },
    },
    'sha256:default',
    surroundings,
  );

test("a task without an image has its directory in the worker's image, as the worker's user", () => {
  const spec = containerSpec(command, 'sha256:default', surroundings);
  assert.deepEqual(
    [spec.Image, spec.WorkingDir, spec.User, spec.Tty],
    ['sha256:default', command.directory, '1000:1000', undefined],
  );
  assert.deepEqual(spec.HostConfig?.Binds, ['/w/runs/t-0/task:/w/runs/t-0/task']);
  assert.deepEqual(spec.HostConfig?.SecurityOpt, ['no-new-privileges']);
  assert.equal(spec.HostConfig?.Init, true);
});

test('a task with an image sees its volumes only, and is run as the image says', () => {
  const spec = own();
  assert.deepEqual(
    [spec.Image, spec.WorkingDir, spec.User, spec.Entrypoint, spec.Cmd, spec.Tty],
    ['sha256:own', undefined, undefined, undefined, ['make', 'all'], true],
  );
  assert.deepEqual(spec.HostConfig?.Binds, ['/w/runs/t-0/task/volumes/0:/cache']);
});

test('an empty command runs the command of the image', () => {
  assert.equal('Cmd' in own({}, []), false);
});

test('every container has the labels, the network, and no log kept by the daemon', () => {
  for (const spec of [own(), containerSpec(command, 'sha256:default', surroundings)]) {
    assert.deepEqual(spec.Labels, surroundings.labels);
    assert.equal(spec.HostConfig?.NetworkMode, 'taskyard-1');
    assert.equal(spec.HostConfig?.LogConfig?.Type, 'none');
    assert.ok(spec.HostConfig?.ExtraHosts?.includes('taskcluster:172.18.0.1'));
    assert.deepEqual(spec.Env, ['A=b']);
  }
});

test('limits are set where the operator sets them, without swap beside the memory', () => {
  const settings = { ...defaultContainerSettings, memoryMiB: 64, cpus: 1.5, pidsMax: 100 };
  const { HostConfig } = containerSpec(command, 'sha256:default', { ...surroundings, settings });
  const { Memory, MemorySwap, NanoCpus, PidsLimit } = HostConfig ?? {};
  assert.deepEqual([Memory, MemorySwap, NanoCpus, PidsLimit], [67_108_864, 67_108_864, 1_500_000_000, 100]);
  assert.equal(own().HostConfig?.Memory, undefined);
});

test('a container has no privilege that its task does not ask for', () => {
  const { Privileged, CapAdd, SecurityOpt, Devices } = own().HostConfig ?? {};
  assert.deepEqual([Privileged, CapAdd, SecurityOpt, Devices], [false, [], [], []]);
  const asked = own({ isPrivileged: true, mayTrace: true, mayCallAll: true, devices: ['hostSharedMemory'] });
  const given = asked.HostConfig ?? {};
  assert.deepEqual(
    [given.Privileged, given.CapAdd, given.SecurityOpt, given.Devices],
    [true, ['SYS_PTRACE'], ['seccomp=unconfined'], []],
  );
  assert.ok(given.Binds?.includes('/dev/shm:/dev/shm'));
});

test('a task with the video device is told where it is', () => {
  const spec = own({ devices: ['loopbackVideo', 'loopbackAudio'] });
  assert.deepEqual(spec.Env, ['A=b', 'TASKCLUSTER_VIDEO_DEVICE=/dev/video3']);
  assert.deepEqual(
    spec.HostConfig?.Devices?.map((device: { PathInContainer?: string }) => device.PathInContainer),
    ['/dev/video3', '/dev/video4', '/dev/snd'],
  );
});

test('devices are those that the machine has', () => {
  const names = ['kvm', 'null', 'snd', 'shm', 'video0', 'video12', 'videotape'];
  assert.deepEqual(pathsOfDevice('loopbackVideo', names), ['/dev/video0', '/dev/video12']);
  assert.deepEqual(pathsOfDevice('loopbackAudio', names), ['/dev/snd']);
  assert.deepEqual(pathsOfDevice('kvm', names), ['/dev/kvm']);
  assert.deepEqual(pathsOfDevice('kvm', ['null']), []);
});

test('a worker refuses what its operator does not allow, and devices that it does not have', () => {
  const privileges: Privileges = { ...noPrivileges, isPrivileged: true, mayTrace: true, devices: ['kvm'] };
  const all = { capabilities: containerCapabilities };
  assert.deepEqual(
    refusalsOf(privileges, all, () => true),
    [],
  );
  assert.deepEqual(
    refusalsOf(privileges, all, () => false),
    ['this worker has no device for kvm'],
  );
  assert.deepEqual(
    refusalsOf(privileges, { capabilities: ['allowPtrace', 'kvm'] }, () => true),
    ['this worker gives no task the capability privileged'],
  );
  assert.deepEqual(refusalsOf(noPrivileges, { capabilities: [] }), []);
});
