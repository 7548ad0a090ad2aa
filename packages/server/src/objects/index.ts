import type { FastifyInstance } from 'fastify';
import type { BaseContext, Loop } from '../base/index.ts';
import type { ServiceDeclaration } from '../http/index.ts';
import type { Backend } from './bytes/backend.ts';
import { byteRoutes } from './bytes/byte-routes.ts';
import { type DiskBackend, diskBackend } from './bytes/disk.ts';
import type { Replacing } from './bytes/disk-files.ts';
import { s3Backend } from './bytes/s3.ts';
import { objectLoops } from './loops.ts';
import type { Backends, PlacementRule } from './placement.ts';
import { type ObjectServices, objectRoutes } from './routes.ts';
import * as schema from './schema.ts';
import { createObjectService } from './service.ts';

export { Backends, mistakesInPlacement, Placement } from './placement.ts';

type BackendOptions = Backends[string];

export interface ObjectsDeps extends BaseContext {
  /** The address that clients see, without a slash at its end; asked for at each use. */
  rootUrl(): string;
  /** By name; the first is for whatever nothing else is said about. */
  readonly backends: Readonly<Record<string, BackendOptions>>;
  /** Which objects go where, the first that holds; all to the first backend when absent. */
  readonly placement?: readonly PlacementRule[];
  /** Where artifacts of type `s3` lie; the first backend when absent. */
  readonly artifactBackend?: string;
  /** More bytes than this are refused by the disk backend; 5 GiB when absent, as a bucket has it. */
  readonly uploadBytesMax?: number;
  /** Decides about uploads to the disk backend at keys that hold bytes already; all may be replaced when absent. */
  readonly replacing?: Replacing;
}

type ObjectService = ReturnType<typeof createObjectService>;

/** The door of the object service. */
export interface Objects extends ObjectService {
  /** Bytes of artifacts of type `s3`, by key. */
  readonly artifactBytes: Backend;
  readonly loops: readonly Loop[];
  /** Registers the URLs of stored bytes, outside of the API. Without a disk backend there are none. */
  byteRoutes(app: FastifyInstance): void;
}

const uploadBytesMaxDefault = 5 * 2 ** 30;

/** Builds the object service. Throws when the backends do not fit together. */
export const createObjects = (deps: ObjectsDeps): Objects => {
  const { clock, log, replacing } = deps;
  const { backends, disks, firstId } = openBackends(deps);
  const artifactBytes = backends.get(deps.artifactBackend ?? firstId);
  if (!artifactBytes) throw new Error(`No backend has the name ${deps.artifactBackend}`);
  const placement = deps.placement ?? [{ backendId: firstId, when: 'all' }];
  const unknown = placement.find(({ backendId }) => !backends.has(backendId));
  if (unknown) throw new Error(`No backend has the name ${unknown.backendId}`);
  const service = createObjectService({ ...deps, backends, placement });
  return {
    ...service,
    artifactBytes,
    loops: objectLoops(service, { clock, disks: [...disks.values()] }),
    byteRoutes: (app) => {
      if (disks.size > 0) byteRoutes(app, { disks, clock, log, replacing });
    },
  };
};

/** The backend on disk whose URLs do not name it. */
const unnamedDisk = 'disk';

const openBackends = (deps: ObjectsDeps) => {
  const { rootUrl, clock, uploadBytesMax = uploadBytesMaxDefault } = deps;
  const backends = new Map<string, Backend>();
  const disks = new Map<string, DiskBackend>();
  for (const [id, options] of Object.entries(deps.backends)) {
    if (options.type === 's3') {
      backends.set(id, s3Backend(options, clock));
      continue;
    }
    const name = id === unnamedDisk ? {} : { name: id };
    const disk = diskBackend({ folder: options.folder, ...name, rootUrl, uploadBytesMax });
    disks.set(name.name ?? '', disk);
    backends.set(id, disk);
  }
  const [firstId] = backends.keys();
  if (firstId === undefined) throw new Error('At least one backend is needed for artifacts and objects');
  return { backends, disks, firstId };
};

export const objectDeclaration: ServiceDeclaration<ObjectServices> = {
  service: {
    serviceName: 'object',
    title: 'Object Service',
    description: 'Keeps named bytes that do not change, with their hashes, until they expire.',
  },
  routes: objectRoutes,
  schemas: [
    schema.hashes,
    schema.uploadMethodDataInline,
    schema.uploadMethodPutUrl,
    schema.downloadMethodGetUrl,
    schema.downloadMethodSimple,
  ],
};
