import type { BaseContext } from '../base/index.ts';
import type { Backend } from './bytes/backend.ts';
import type { DiskBackend } from './bytes/disk.ts';
import type { Replacing } from './bytes/disk-files.ts';
import type { Backends, PlacementRule } from './placement.ts';

/** What objects are given by `app.ts`. */
export interface GivenObjectsContext extends BaseContext {
  /** The address that clients see, without a slash at its end; asked for at each use. */
  rootUrl(): string;
  /** By name; the first is for whatever nothing else is said about. */
  readonly backends: Readonly<Record<string, Backends[string]>>;
  /** Which objects go where, the first that holds; all to the first backend when absent. */
  readonly placement?: readonly PlacementRule[];
  /** Where artifacts of type `s3` lie; the first backend when absent. */
  readonly artifactBackend?: string;
  /** More bytes than this are refused by the disk backend; 5 GiB when absent, as a bucket has it. */
  readonly uploadBytesMax?: number;
  /** Decides about uploads to the disk backend at keys that hold bytes already; all may be replaced when absent. */
  readonly replacing?: Replacing;
}

/** What objects are opened with. */
export interface Context extends BaseContext {
  /** By name. */
  readonly backends: ReadonlyMap<string, Backend>;
  /** Those of them that lie on this machine, by the name in their URLs. */
  readonly disks: ReadonlyMap<string, DiskBackend>;
  readonly placement: readonly PlacementRule[];
  /** Where artifacts of type `s3` lie. */
  readonly artifactBytes: Backend;
  readonly replacing?: Replacing | undefined;
}
