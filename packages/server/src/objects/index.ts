import type { FastifyInstance } from 'fastify';
import type { Domain, ServiceDeclaration } from '../http/index.ts';
import type { Backend } from './bytes/backend.ts';
import { byteRoutes } from './bytes/byte-routes.ts';
import { type DiskBackend, diskBackend } from './bytes/disk.ts';
import { s3Backend } from './bytes/s3.ts';
import type { Context, GivenObjectsContext } from './context.ts';
import { objectLoops } from './loops.ts';
import { type ObjectServices, objectRoutes } from './routes.ts';
import * as schema from './schema.ts';
import { type ObjectVerbs, objectVerbs } from './service/index.ts';
import { tryOpened } from './trial.ts';

export type { KeptContent } from './bytes/contents.ts';
export { removeReachable } from './bytes/remove-reachable.ts';
export { Backends, mistakesInPlacement, Placement } from './placement.ts';
export type { ObjectVerbs } from './service/index.ts';

/** The door of the object service. */
export interface Objects extends Domain<ObjectVerbs> {
  /** Registers the URLs of stored bytes that this server sends, outside of the API. */
  byteRoutes(app: FastifyInstance): void;
}

const uploadBytesMaxDefault = 5 * 2 ** 30;

/** Opens objects. Throws when the configured backends contradict each other. */
export const createObjects = (given: GivenObjectsContext): Objects => {
  const { backends, disks, firstId } = openBackends(given);
  const placement = given.placement ?? [{ backendId: firstId, when: 'all' }];
  const artifactBackend = given.artifactBackend ?? firstId;
  const wanted = [artifactBackend, ...placement.map(({ backendId }) => backendId)];
  const unknown = wanted.find((backendId) => !backends.has(backendId));
  if (unknown !== undefined) throw new Error(`No backend has the name ${unknown}`);
  const artifactBytes = backends.get(artifactBackend) as Backend;
  const context: Context = { ...given, backends, disks, placement, artifactBytes };
  return {
    verbs: objectVerbs(context),
    routes: objectRoutes,
    loops: objectLoops(context),
    byteRoutes: (app) => {
      if (disks.size > 0 || given.contents) byteRoutes(app, context);
    },
  };
};

/** The backend on disk whose name is not part of its URLs. */
const unnamedDisk = 'disk';

type GivenBackends = Pick<GivenObjectsContext, 'backends' | 'clock' | 'rootUrl' | 'uploadBytesMax'>;

const openBackends = (given: GivenBackends) => {
  const { rootUrl, clock, uploadBytesMax = uploadBytesMaxDefault } = given;
  const backends = new Map<string, Backend>();
  const disks = new Map<string, DiskBackend>();
  for (const [id, options] of Object.entries(given.backends)) {
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

/** Tries each of these backends with few bytes; the result has a reason for each that fails. */
export const tryBackends = (given: GivenBackends) => tryOpened(openBackends(given).backends);

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
