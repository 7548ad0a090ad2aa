/** What a worker has to do for a task, whatever format its payload was written in. */
export interface TaskDescription {
  /** Run in order until one fails. Never empty; no command is empty. */
  readonly commands: readonly (readonly string[])[];
  readonly environment: Readonly<Record<string, string>>;
  /** For all commands together. */
  readonly maxRunTimeSeconds: number;
  readonly artifacts: readonly ArtifactDescription[];
  readonly mounts: readonly Mount[];
  readonly onExitStatus: {
    readonly retry: readonly number[];
    readonly purgeCaches: readonly number[];
  };
  readonly logs: LogNames;
  readonly hasLiveLog: boolean;
  readonly hasBackingLog: boolean;
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
  /** Relative to the task's directory. */
  readonly path: string;
  readonly name: string;
  readonly expires: Date;
  readonly contentType: string | undefined;
  readonly contentEncoding: ContentEncoding | undefined;
  readonly isOptional: boolean;
}
export type ContentEncoding = 'gzip' | 'identity';

/** Something that lies in the task's directory before its commands start. Paths are relative to it. */
export type Mount =
  | {
      readonly kind: 'cache';
      readonly cacheName: string;
      readonly directory: string;
      /** What a new cache starts with. */
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
  | { readonly kind: 'url'; readonly url: string; readonly sha256: string | undefined }
  | { readonly kind: 'inline'; readonly bytes: Uint8Array };

/** The archives that this worker unpacks. */
export const archiveFormats = ['tar', 'tar.gz', 'tar.bz2', 'tar.xz', 'tar.zst', 'zip'] as const;
export type ArchiveFormat = (typeof archiveFormats)[number];

/** The compressed single files that this worker unpacks. */
export const compressions = ['gz', 'bz2', 'xz', 'zst'] as const;
export type Compression = (typeof compressions)[number];
