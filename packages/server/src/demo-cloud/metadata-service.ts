import { once } from 'node:events';
import { createServer } from 'node:http';
import { type Clock, systemClock } from '../base/index.ts';
import type { Instance } from './instance.ts';
import { createMetadata } from './metadata.ts';
import { createSeal } from './seal.ts';

/** Serves the metadata of instances of another cloud, whose documents are signed by a key of our own. */
export interface MetadataService {
  /** What documents are signed with, in PEM. */
  readonly certificate: string;
  /** Where the instance of this id finds its metadata. */
  endpointOf(instanceId: string): string;
  close(): void;
}

/** Starts it on a free port of this machine, for the instances that are found by their ids. */
export const serveMetadata = async (
  instanceOf: (id: string) => Instance | undefined,
  clock: Clock = systemClock,
): Promise<MetadataService> => {
  const seal = await createSeal(clock.now());
  const answer = createMetadata(seal);
  const server = createServer(async ({ method = '', url = '', headers }, response) => {
    const [, id = '', path = ''] = /^\/([^/]+)\/latest\/(.*)$/.exec(url) ?? [];
    const instance = instanceOf(id);
    const reply = instance ? await answer(instance, { method, path, headers }) : { status: 404, body: '' };
    response.writeHead(reply.status).end(reply.body);
  }).listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const bound = server.address();
  const port = typeof bound === 'object' && bound ? bound.port : 0;
  return {
    certificate: seal.certificate,
    endpointOf: (id) => `http://127.0.0.1:${port}/${id}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
