import { pageHeaders, pagePaths, readDocs, readSite, type SiteFile, startPage } from '@taskyard/ui';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/index.ts';
import { version } from './version.ts';

/** Serves the pages and the documents; when they were not built, one page that says which commands to use. */
export const serveSite = (server: FastifyInstance, config: Config): void => {
  const site = readSite();
  const headers = pageHeaders(originsOfArtifacts(config));
  for (const path of pagePaths) {
    server.get(path, async (request, reply) => {
      reply.headers(headers);
      if (site) return sendFile(request, reply, site.page);
      const page = startPage({ version: await version(), path: request.url });
      return reply.header('content-type', 'text/html; charset=utf-8').send(page);
    });
  }
  server.get('/docs', (_request, reply) => reply.redirect('/docs/'));
  const files = new Map([...(site?.files ?? []), ...readDocs()]);
  // Hundreds of files: a route for each would take longer at the start than all others.
  for (const route of new Set([...files.keys()].map(routeOf))) {
    server.get(route, (request, reply) => {
      const file = files.get(route.replace('*', (request.params as { '*'?: string })['*'] ?? ''));
      return file ? sendFile(request, reply.headers(headers), file) : reply.callNotFound();
    });
  }
};

/** All files of a folder share a route: `/docs/guides/start` is served by `/docs/*`. */
const routeOf = (path: string): string => path.replace(/^(\/[^/]+\/).*$/, '$1*');

const sendFile = (request: FastifyRequest, reply: FastifyReply, file: SiteFile): FastifyReply => {
  const accepted = String(request.headers['accept-encoding'] ?? '');
  const encoding = (['br', 'gzip'] as const).find((name) => accepted.includes(name) && file.encoded[name]());
  reply.headers({
    'content-type': file.contentType,
    'cache-control': file.cacheControl,
    vary: 'accept-encoding',
  });
  if (encoding) reply.header('content-encoding', encoding);
  return reply.send(encoding ? file.encoded[encoding]() : file.bytes());
};

/** Other origins from which pages read artifacts: a bucket, and workers on this machine that serve live logs directly. */
const originsOfArtifacts = ({ s3 }: Config): string[] => [
  'http://127.0.0.1:*',
  ...(s3.bucket ? [s3.endpoint ? new URL(s3.endpoint).origin : 'https://*.amazonaws.com'] : []),
];
