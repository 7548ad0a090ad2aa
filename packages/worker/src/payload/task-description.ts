/**
 * What a worker has to do for a task, independent of the format of its payload. Readers create it, engines run it; neither
 * knows the other.
 *
 * A task of docker-worker's format has an `image`. Its commands never see the task's directory itself: the
 * engine shows them the `volumes`, which are directories in it. So caches (mounts of kind `cache`) and volume
 * artifacts are found, purged and uploaded as those of every other task.
 */
export interface TaskDescription {
  /** The image that the commands run in; undefined: that of the worker's engine. */
  readonly image: ImageSource | undefined;
  /**
   * Run in order until one fails. Never empty. No command is empty, but that of a task with an image: it has
   * one command, and an empty one means what the image itself would run.
   */
  readonly commands: readonly (readonly string[])[];
  readonly environment: Readonly<Record<string, string>>;
  /** For all commands together. */
  readonly maxRunTimeSeconds: number;
  readonly artifacts: readonly ArtifactDescription[];
  readonly mounts: readonly Mount[];
  /** Directories of the task that its container shows elsewhere. Empty without an image. */
  readonly volumes: readonly Volume[];
  readonly privileges: Privileges;
  /** The rights that the task needs. For each one, any of the scopes is enough. */
  readonly requiredScopes: readonly RequiredScope[];
  readonly onExitStatus: {
    readonly retry: readonly number[];
    readonly purgeCaches: readonly number[];
  };
  readonly logs: LogNames;
  readonly hasLiveLog: boolean;
  readonly hasBackingLog: boolean;
  readonly features: Features;
  /** The figures of the resource monitor become an artifact. */
  readonly keepsFigures: boolean;
}

/** Where a container's image comes from. */
export type ImageSource =
  /** By the name that a registry knows it by: `debian:12`, `ghcr.io/a/b@sha256:…`. */
  | { readonly type: 'docker-image'; readonly name: string }
  /** A saved image (`docker save`, perhaps compressed: .zst, .lz4, .gz, .xz) that a task left as an artifact. */
  | { readonly type: 'task-image'; readonly taskId: string; readonly path: string }
  /** The same, of the task at a path of the index. */
  | { readonly type: 'indexed-image'; readonly namespace: string; readonly path: string };

/** A directory in the task's directory, and where the container shows it. */
export interface Volume {
  /** Relative to the task's directory. A cache is put there before the commands start. */
  readonly directory: string;
  /** Absolute, in the container. */
  readonly path: string;
}

/** Privileges that a task has beyond others. Its scopes are among `requiredScopes`. */
export interface Privileges {
  /** A container with all rights of the machine. */
  readonly isPrivileged: boolean;
  /** May trace its own processes (the capability SYS_PTRACE). */
  readonly mayTrace: boolean;
  /** May make every system call (seccomp=unconfined). */
  readonly mayCallAll: boolean;
  readonly devices: readonly Device[];
}
export type Device = 'loopbackVideo' | 'loopbackAudio' | 'hostSharedMemory' | 'kvm';

export const noPrivileges: Privileges = {
  isPrivileged: false,
  mayTrace: false,
  mayCallAll: false,
  devices: [],
};

export interface RequiredScope {
  readonly anyOf: readonly string[];
  /** Completes "the task needs the scope … for". */
  readonly purpose: string;
}

/** Features of the worker that the task asks for. */
export interface Features {
  readonly taskclusterProxy: boolean;
  readonly chainOfTrust: boolean;
  readonly resourceMonitor: boolean;
  readonly interactive: boolean;
}

/** The names of the artifacts that the log is read by. */
export interface LogNames {
  readonly live: string;
  readonly backing: string;
}

export const defaultLogNames: LogNames = {
  live: 'public/logs/live.log',
  backing: 'public/logs/live_backing.log',
};

/** A file or directory that the commands leave behind. */
export interface ArtifactDescription {
  readonly type: 'file' | 'directory';
  /**
   * Relative to the task's directory, or absolute. With an image that is a path in the container, which the engine copies
   * out of it. (A volume artifact is a directory of `volumes`, and so a relative one.)
   */
  readonly path: string;
  /** What the task calls the path, where that is another. */
  readonly shownAs?: string | undefined;
  readonly name: string;
  readonly expires: Date;
  readonly contentType: string | undefined;
  readonly contentEncoding: ContentEncoding | undefined;
  readonly isOptional: boolean;
}
export type ContentEncoding = 'gzip' | 'identity';

/** A file or directory that is put in its place before the commands start. Paths are relative to the task's directory, or absolute. */
export type Mount =
  | {
      readonly kind: 'cache';
      readonly cacheName: string;
      readonly directory: string;
      /** The content that a new cache starts with. */
      readonly initial: { readonly content: Content; readonly format: ArchiveFormat } | undefined;
    }
  | {
      readonly kind: 'directory';
      readonly directory: string;
      readonly content: Content;
      readonly format: ArchiveFormat;
    }
  | {
      readonly kind: 'file';
      readonly file: string;
      readonly content: Content;
      readonly compression: Compression | undefined;
    };

/** Where bytes come from. */
export type Content =
  | {
      readonly kind: 'artifact';
      readonly taskId: string;
      readonly artifact: string;
      readonly sha256: string | undefined;
    }
  /** An artifact of the task that is at a path of the index when it is fetched. */
  | { readonly kind: 'indexed'; readonly namespace: string; readonly artifact: string }
  | { readonly kind: 'url'; readonly url: string; readonly sha256: string | undefined }
  | { readonly kind: 'inline'; readonly bytes: Uint8Array };

/** The archives that this worker unpacks. */
export const archiveFormats = [
  'tar',
  'tar.br',
  'tar.bz2',
  'tar.gz',
  'tar.lz4',
  'tar.xz',
  'tar.zst',
  'tar.zz',
  'zip',
] as const;
export type ArchiveFormat = (typeof archiveFormats)[number];

/** The compressed single files that this worker unpacks. */
export const compressions = ['br', 'bz2', 'gz', 'lz4', 'xz', 'zst', 'zz'] as const;
export type Compression = (typeof compressions)[number];
