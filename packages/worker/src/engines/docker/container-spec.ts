import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerCreateOptions } from 'dockerode';
import type { Device, Privileges } from '../../payload/index.ts';
import type { Command, ContainerRequest } from '../engine.ts';
import type { ContainerCapability, ContainerSettings } from './settings.ts';

/** The settings of a container, beside its command. */
export interface Surroundings {
  readonly settings: ContainerSettings;
  readonly labels: Readonly<Record<string, string>>;
  /** The network, as Docker names it: a name, `host` or `none`. */
  readonly network: string;
  /** The address at which the container reaches the worker; undefined when it cannot. */
  readonly workerAddress: string | undefined;
  /** Numbers of user and group for commands in the task's directory; undefined: the image's own. */
  readonly user: string | undefined;
  /** What is in /dev. Default: of this machine. */
  readonly deviceNames?: readonly string[];
}

// Both outputs of a command through one pipe keep their order. The shell has become the command by then.
const mergeOutputs = ['/bin/sh', '-c', 'exec "$@" 2>&1', 'task'];

const devicePaths = {
  loopbackVideo: (names: readonly string[]) => names.filter((name) => /^video\d+$/.test(name)),
  loopbackAudio: (names: readonly string[]) => names.filter((name) => name === 'snd'),
  kvm: (names: readonly string[]) => names.filter((name) => name === 'kvm'),
  hostSharedMemory: (names: readonly string[]) => names.filter((name) => name === 'shm'),
} satisfies Record<Device, (names: readonly string[]) => string[]>;

/** The paths of a device on this machine; empty when it has no such device. */
export const pathsOfDevice = (device: Device, names: readonly string[] = readdirSync('/dev')): string[] =>
  devicePaths[device](names).map((name) => `/dev/${name}`);

const capabilitiesOf = ({
  isPrivileged,
  mayTrace,
  mayCallAll,
  devices,
}: Privileges): ContainerCapability[] => [
  ...(isPrivileged ? (['privileged'] as const) : []),
  ...(mayTrace ? (['allowPtrace'] as const) : []),
  ...(mayCallAll ? (['disableSeccomp'] as const) : []),
  ...devices,
];

/** Why this worker does not grant some privileges: its operator forbids them, or it has no such device. */
export const refusalsOf = (
  privileges: Privileges,
  { capabilities }: Pick<ContainerSettings, 'capabilities'>,
  hasDevice = (device: Device): boolean => pathsOfDevice(device).length > 0,
): string[] => [
  ...capabilitiesOf(privileges)
    .filter((wanted) => !capabilities.includes(wanted))
    .map((wanted) => `this worker gives no task the capability ${wanted}`),
  ...privileges.devices
    .filter((device) => capabilities.includes(device) && !hasDevice(device))
    .map((device) => `this worker has no device for ${device}`),
];

const limits = ({ memoryMiB, cpus, pidsMax }: ContainerSettings) => ({
  ...(memoryMiB === undefined
    ? {}
    : { Memory: memoryMiB * 1024 * 1024, MemorySwap: memoryMiB * 1024 * 1024 }),
  ...(cpus === undefined ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
  ...(pidsMax === undefined ? {} : { PidsLimit: pidsMax }),
});

/** The settings of every container. */
const common = (command: Command, surroundings: Surroundings) => {
  const { settings, labels, network, workerAddress } = surroundings;
  return {
    spec: {
      Cmd: [...command.argv],
      Env: Object.entries(command.environment).map(([name, value]) => `${name}=${value}`),
      Labels: { ...labels },
      AttachStdout: true,
      AttachStderr: true,
    },
    hostConfig: {
      NetworkMode: network,
      // The daemon keeps no second copy of the log.
      LogConfig: { Type: 'none', Config: {} },
      ExtraHosts: [
        'localhost.localdomain:127.0.0.1',
        ...(workerAddress === undefined ? [] : [`taskcluster:${workerAddress}`]),
      ],
      ...limits(settings),
    },
  };
};

/** A command in the task's directory, in the worker's own image: no different from one without a container. */
const ordinary = (command: Command, image: string, surroundings: Surroundings): ContainerCreateOptions => {
  const { spec, hostConfig } = common(command, surroundings);
  const { outside } = command;
  return {
    ...spec,
    Image: image,
    Entrypoint: mergeOutputs,
    WorkingDir: command.directory,
    ...(surroundings.user === undefined ? {} : { User: surroundings.user }),
    HostConfig: {
      ...hostConfig,
      Init: true,
      SecurityOpt: ['no-new-privileges'],
      Binds: [
        `${command.directory}:${command.directory}`,
        ...(outside?.shown ?? []).map((path) => `${join(outside?.root ?? '', path)}:${path}`),
      ],
    },
  };
};

/** A task's own image, as its maker meant it to be run: its entry point, its user, a terminal. */
const ownImage = (
  command: Command,
  { image, volumes, privileges }: ContainerRequest,
  surroundings: Surroundings,
): ContainerCreateOptions => {
  const { spec, hostConfig } = common(command, surroundings);
  const { Cmd, ...others } = spec;
  const shared = privileges.devices.includes('hostSharedMemory') ? ['/dev/shm:/dev/shm'] : [];
  const pathsOf = (device: Device): string[] =>
    privileges.devices.includes(device) ? pathsOfDevice(device, surroundings.deviceNames) : [];
  const [video] = pathsOf('loopbackVideo');
  return {
    ...others,
    Env: [...spec.Env, ...(video === undefined ? [] : [`TASKCLUSTER_VIDEO_DEVICE=${video}`])],
    ...(Cmd.length === 0 ? {} : { Cmd }),
    Image: image,
    Tty: true,
    HostConfig: {
      ...hostConfig,
      Binds: [
        ...volumes.map((one) => `${join(command.directory, one.directory)}:${one.path}`),
        ...surroundings.settings.shownPaths.map((path) => `${path}:${path}:ro`),
        ...shared,
      ],
      Privileged: privileges.isPrivileged,
      CapAdd: privileges.mayTrace ? ['SYS_PTRACE'] : [],
      SecurityOpt: privileges.mayCallAll ? ['seccomp=unconfined'] : [],
      Devices: privileges.devices
        .filter((device) => device !== 'hostSharedMemory')
        .flatMap(pathsOf)
        .map((path) => ({ PathOnHost: path, PathInContainer: path, CgroupPermissions: 'rwm' })),
    },
  };
};

/** How the container of a command is to be made: from the task's own image, or from the worker's. */
export const containerSpec = (
  command: Command,
  defaultImage: string,
  surroundings: Surroundings,
): ContainerCreateOptions =>
  command.container
    ? ownImage(command, command.container, surroundings)
    : ordinary(command, defaultImage, surroundings);
