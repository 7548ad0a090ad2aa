import type { BaseContext } from '../base/index.ts';
import type { Backend } from './bytes/backend.ts';
import type { Contents } from './bytes/contents.ts';
import type { DiskBackend } from './bytes/disk.ts';
import type { Replacing } from './bytes/disk-files.ts';
import type { Backends, PlacementRule } from './placement.ts';

/** What `domains.ts` passes to objects. */
export interface GivenObjectsContext extends BaseContext {
  /** The URL of the platform for clients, without a trailing slash; read at each use. */
  rootUrl(): string;
  /** By name; the first is the default. */
  readonly backends: Readonly<Record<string, Backends[string]>>;
  /** Rules for the backend of an object; the first match counts. Without rules all go to the first backend. */
  readonly placement?: readonly PlacementRule[];
  /** The backend of artifacts of type `s3`; the first backend when absent. */
  readonly artifactBackend?: string;
  /** The largest upload to the disk backend, in bytes; 5 GiB when absent, as in a bucket. */
  readonly uploadBytesMax?: number;
  /** Decides whether uploads to the disk backend may replace existing bytes; they may when absent. */
  readonly replacing?: Replacing;
  /** Few bytes that a higher domain keeps; absent where none are read. */
  readonly contents?: Contents;
}

/** What objects are opened with. */
export interface Context extends BaseContext {
  /** By name. */
  readonly backends: ReadonlyMap<string, Backend>;
  /** The backends on this machine, by the name in their URLs. */
  readonly disks: ReadonlyMap<string, DiskBackend>;
  readonly placement: readonly PlacementRule[];
  /** The backend of artifacts of type `s3`. */
  readonly artifactBytes: Backend;
  readonly replacing?: Replacing | undefined;
  readonly contents?: Contents | undefined;
  rootUrl(): string;
}
