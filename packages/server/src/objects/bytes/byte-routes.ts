import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Clock, errorStatuses, type Logger, RequestError } from '../../base/index.ts';
import { acceptsGzip } from '../../http/index.ts';
import { type Contents, contentsName, openContent } from './contents.ts';
import type { DiskBackend } from './disk.ts';
import type { OpenFile, Replacing } from './disk-files.ts';
import { byteHeaders, contentHeaders, preflightHeaders, refuseAsPartOfPage } from './headers.ts';
import { allowsRange, isKnown, type Range, rangeOf } from './ranges.ts';
import { keyOfPath, type SignedTerms, verifiedTerms } from './signed-url.ts';

export interface ByteRouteContext {
  /** By the name in their URLs; empty for the one whose URLs have no name. */
  readonly disks: ReadonlyMap<string, DiskBackend>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Few bytes that a higher domain keeps. */
  readonly contents?: Contents | undefined;
  /** Decides whether uploads may replace existing bytes. */
  readonly replacing?: Replacing | undefined;
}

/**
 * Registers the URLs that the disk backend signs, and those of bytes that a higher domain keeps, outside of the API: `PUT`,
 * `GET` and `HEAD /objects/<key>`. Bytes on disk are streamed: neither a body nor a file is ever in memory as a whole.
 */
export const byteRoutes = (app: FastifyInstance, deps: ByteRouteContext): void => {
  const url = '/objects/*';
  app.options(url, (_request, reply) => reply.headers(preflightHeaders).code(204).send());
  // Handled before the body is parsed: a body here is bytes, whatever its type.
  const onRequest = (request: FastifyRequest, reply: FastifyReply) =>
    answer(request, reply, { deps, run: upload });
  app.route({ method: 'PUT', url, onRequest, handler: () => undefined });
  app.route({
    method: ['GET', 'HEAD'],
    url,
    exposeHeadRoute: false,
    handler: (request, reply) => answer(request, reply, { deps, run: download }),
  });
};

type Run = (request: FastifyRequest, reply: FastifyReply, deps: ByteRouteContext) => Promise<FastifyReply>;

const answer = async (
  request: FastifyRequest,
  reply: FastifyReply,
  { deps, run }: { deps: ByteRouteContext; run: Run },
): Promise<FastifyReply> => {
  reply.headers(byteHeaders);
  try {
    return await run(request, reply, deps);
  } catch (error) {
    return refuse(error, reply, deps);
  }
};

const refuse = (error: unknown, reply: FastifyReply, { log }: ByteRouteContext): FastifyReply => {
  reply.header('content-type', 'application/json; charset=utf-8');
  if (error instanceof RequestError) {
    const body = { code: error.code, message: error.message };
    return reply.code(errorStatuses[error.code]).send(JSON.stringify(body));
  }
  log.error({ err: error }, 'a request for bytes failed');
  return reply
    .code(500)
    .send('{"code":"InternalServerError","message":"Something went wrong inside the server."}');
};

const backendOf = (request: FastifyRequest): string =>
  String((request.query as Record<string, unknown>).backend ?? '');

const diskOf = (request: FastifyRequest, { disks }: ByteRouteContext): DiskBackend => {
  const disk = disks.get(backendOf(request));
  if (!disk) throw new RequestError('InsufficientScopes', 'This URL is not one of a backend on disk.');
  return disk;
};

const termsOf = (request: FastifyRequest, secret: string, { clock }: ByteRouteContext): SignedTerms => {
  const query = request.query as Record<string, unknown>;
  const asked = {
    method: request.method === 'PUT' ? 'PUT' : 'GET',
    key: keyOfPath((request.params as { '*': string })['*']),
    query,
    contentType: request.headers['content-type'],
  } as const;
  return verifiedTerms(secret, asked, clock.now());
};

/** Opens the bytes that a signed URL names; undefined when there are none. */
const openBytes = async (
  request: FastifyRequest,
  deps: ByteRouteContext,
): Promise<{ key: string; file: OpenFile | undefined }> => {
  const { contents } = deps;
  if (contents && backendOf(request) === contentsName) {
    const { key } = termsOf(request, contents.secret, deps);
    return { key, file: await openContent(contents, key) };
  }
  const disk = diskOf(request, deps);
  const { key } = termsOf(request, await disk.secret(), deps);
  return { key, file: await disk.files.open(key) };
};

const upload: Run = async (request, reply, deps) => {
  const disk = diskOf(request, deps);
  const { key, contentType = '', contentLength } = termsOf(request, await disk.secret(), deps);
  const announced = request.headers['content-length'];
  if (Number(announced ?? 0) > disk.uploadBytesMax) {
    throw new RequestError('InputTooLarge', `An upload has at most ${disk.uploadBytesMax} bytes.`);
  }
  const contentEncoding = request.headers['content-encoding'];
  const { sha256 } = await disk.files.put(
    {
      key,
      contentType,
      bytesMax: disk.uploadBytesMax,
      ...(contentLength === undefined ? {} : { contentLength }),
      ...(contentEncoding && contentEncoding !== 'identity' ? { contentEncoding } : {}),
    },
    request.raw,
    deps.replacing,
  );
  return reply.header('etag', `"${sha256}"`).code(200).send('');
};

const download: Run = async (request, reply, deps) => {
  refuseAsPartOfPage(request.headers);
  const { key, file } = await openBytes(request, deps);
  if (!file) throw new RequestError('ResourceNotFound', 'No bytes have been uploaded here.');
  const { sha256, contentEncoding, contentType } = file.about;
  if (contentEncoding) reply.header('vary', 'Accept-Encoding');
  if (contentEncoding === 'gzip' && !acceptsGzip(request.headers['accept-encoding'])) {
    const etag = `"${sha256}-decoded"`;
    reply.headers({ ...contentHeaders(key, { contentType, etag }), 'accept-ranges': 'none' });
    return sendDecoded(request, reply, { file, etag });
  }
  const etag = `"${sha256}"`;
  reply.headers(contentHeaders(key, { ...file.about, etag }));
  if (isKnown(request.headers['if-none-match'], etag)) return withoutBytes(reply.code(304), file);
  const length = file.about.contentLength;
  const asked = allowsRange(request.headers['if-range'] as string | undefined, etag)
    ? rangeOf(request.headers.range, length)
    : undefined;
  if (asked === 'unsatisfiable') {
    return withoutBytes(reply.code(416).header('content-range', `bytes */${length}`), file);
  }
  if (asked) reply.code(206).header('content-range', `bytes ${asked.first}-${asked.last}/${length}`);
  return sendPart(request, reply, { file, part: asked ?? { first: 0, last: length - 1 } });
};

/**
 * Decodes bytes that are stored compressed, for callers that do not accept the encoding. The length is unknown before, so a
 * range is ignored and everything is sent.
 */
const sendDecoded = (
  request: FastifyRequest,
  reply: FastifyReply,
  { file, etag }: { file: OpenFile; etag: string },
): FastifyReply | Promise<FastifyReply> => {
  if (isKnown(request.headers['if-none-match'], etag)) return withoutBytes(reply.code(304), file);
  if (request.method === 'HEAD') return withoutBytes(reply, file);
  const decoded = createGunzip();
  // Invalid or truncated gzip breaks the reply off, so that it does not look complete.
  pipeline(file.read(0, file.about.contentLength - 1), decoded).catch(() => {});
  return reply.send(decoded);
};

const withoutBytes = async (reply: FastifyReply, file: OpenFile): Promise<FastifyReply> => {
  await file.close();
  return reply.send();
};

const sendPart = (
  request: FastifyRequest,
  reply: FastifyReply,
  { file, part }: { file: OpenFile; part: Range },
): FastifyReply | Promise<FastifyReply> => {
  reply.header('content-length', String(part.last - part.first + 1));
  return request.method === 'HEAD' ? withoutBytes(reply, file) : reply.send(file.read(part.first, part.last));
};
