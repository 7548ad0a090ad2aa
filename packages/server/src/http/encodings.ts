import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** Whether the header `Accept-Encoding` allows a gzip body. A missing header, or `identity` alone, does not. */
export const acceptsGzip = (accepted: string | undefined): boolean => {
  const weights = new Map(
    (accepted ?? '').split(',').map((item) => {
      const [name = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return [name, weight === undefined ? 1 : Number(weight)] as const;
    }),
  );
  return (weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0) > 0;
};

const compress = promisify<string, { level: number }, Buffer>(gzip);

// Shorter ones fit into a packet or two. The fastest level finds most of the repetition in JSON.
const compressedBytesMin = 1024;
const compression = { level: 1 };

/** Compresses long texts for callers that accept it. Streams and compressed bodies are sent as they are. */
export const compressReplies = (app: FastifyInstance): void => {
  app.addHook('onSend', (request, reply, payload, done) => {
    if (typeof payload !== 'string' || payload.length < compressedBytesMin) return done();
    if (request.method === 'HEAD' || reply.hasHeader('content-encoding')) return done();
    varyByEncoding(reply);
    if (!acceptsGzip(request.headers['accept-encoding'])) return done();
    compress(payload, compression).then(
      (bytes) => {
        reply.header('content-encoding', 'gzip').header('content-length', bytes.length);
        done(null, bytes);
      },
      (error: Error) => done(error),
    );
  });
};

const varyByEncoding = (reply: FastifyReply): void => {
  const others = reply.getHeader('vary');
  reply.header('vary', others ? `${String(others)}, Accept-Encoding` : 'Accept-Encoding');
};
