export const containerNetworks = ['task', 'host', 'none'] as const;
export const containerCapabilities = [
  'privileged',
  'allowPtrace',
  'disableSeccomp',
  'loopbackVideo',
  'loopbackAudio',
  'hostSharedMemory',
  'kvm',
] as const;
/** Privileges that a task may have if its scopes allow them, by their names in payloads. */
export type ContainerCapability = (typeof containerCapabilities)[number];

/** How containers are made, as an operator wants it. */
export interface ContainerSettings {
  /** Where Docker or Podman listens: unix:///var/run/docker.sock, tcp://host:port. */
  readonly host: string;
  /** For tasks that name no image. It needs /bin/sh. */
  readonly image: string | undefined;
  /** A network for each task, the machine's own, or none. */
  readonly network: (typeof containerNetworks)[number];
  /** Of each container. Undefined: no limit. */
  readonly memoryMiB: number | undefined;
  readonly cpus: number | undefined;
  readonly pidsMax: number | undefined;
  readonly capabilities: readonly ContainerCapability[];
  /** Folders of this machine that containers with an image of their own see at the same path, without writing there. */
  readonly shownPaths: readonly string[];
}

export const defaultContainerSettings: ContainerSettings = {
  host: 'unix:///var/run/docker.sock',
  image: undefined,
  network: 'task',
  memoryMiB: undefined,
  cpus: undefined,
  pidsMax: undefined,
  capabilities: containerCapabilities,
  shownPaths: [],
};
