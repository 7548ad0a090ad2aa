import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { systemClock } from '../../../base/index.ts';
import { fakeParts } from './fake-parts.ts';

/** The key whose signatures the bucket accepts. */
export const credentials = { accessKeyId: 'AKIDTEST', secretAccessKey: 'a secret of the test' };
export const region = 'eu-test-1';

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const strict = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** The signature that AWS's Signature Version 4 requires in the query, computed from the request. */
const expectedSignature = (request: IncomingMessage, url: URL): string => {
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${strict(name)}=${strict(value)}`)
    .sort()
    .join('&');
  const signed = url.searchParams.get('X-Amz-SignedHeaders') ?? '';
  const headers = signed.split(';').map((name) => `${name}:${String(request.headers[name] ?? '').trim()}\n`);
  const canonical = [request.method, url.pathname, query, headers.join(''), signed, 'UNSIGNED-PAYLOAD'];
  const date = url.searchParams.get('X-Amz-Date') ?? '';
  const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical.join('\n'))].join('\n');
  const key = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${credentials.secretAccessKey}`);
  return hmac(key, text).toString('hex');
};

const isExpired = (url: URL): boolean => {
  const date = url.searchParams.get('X-Amz-Date') ?? '';
  const iso = date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5');
  return Date.parse(iso) + Number(url.searchParams.get('X-Amz-Expires')) * 1000 < systemClock.now().getTime();
};

export interface Stored {
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly contentEncoding?: string;
  /** Of what was uploaded in parts. */
  readonly etag?: string;
}

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

/** What the bucket does to a request instead of its work. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * A small bucket: PUT, GET, HEAD, the deletion of many, and uploads in parts. Signatures in the query are verified; those in a
 * header, with which the server itself calls, are only required to be there. Each of `faults` is for one request.
 */
export const fakeBucket = () => {
  const stored = new Map<string, Stored>();
  const undeletable = new Set<string>();
  const faults: Fault[] = [];

  const isAllowed = (request: IncomingMessage, url: URL): boolean =>
    url.searchParams.has('X-Amz-Signature')
      ? url.searchParams.get('X-Amz-Signature') === expectedSignature(request, url) && !isExpired(url)
      : (request.headers.authorization ?? '').startsWith(
          `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/`,
        );

  const deleteMany = (xml: string): string => {
    const keys = [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map((match) => match[1] ?? '');
    for (const key of keys) if (!undeletable.has(key)) stored.delete(key);
    const errors = keys.filter((key) => undeletable.has(key));
    return `<DeleteResult>${errors.map((key) => `<Error><Key>${key}</Key><Code>InternalError</Code></Error>`).join('')}</DeleteResult>`;
  };

  const answerAboutParts = fakeParts(stored);

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '', 'http://bucket');
    const body = await bodyOf(request);
    if (!isAllowed(request, url)) return void response.writeHead(403).end();
    const key = decodeURIComponent(url.pathname.slice('/bucket/'.length));
    const { method = '', headers } = request;
    const query = url.searchParams;
    if (query.has('uploads') || query.has('uploadId')) {
      const { status, xml, etag } = answerAboutParts({ method, key, query, body, headers });
      return void response
        .writeHead(status, { 'content-type': 'application/xml', ...(etag ? { etag } : {}) })
        .end(xml);
    }
    if (request.method === 'POST') {
      return void response
        .writeHead(200, { 'content-type': 'application/xml' })
        .end(deleteMany(String(body)));
    }
    if (request.method === 'PUT') {
      stored.set(key, { bytes: body, contentType: request.headers['content-type'] ?? '' });
      return void response.writeHead(200).end();
    }
    const found = stored.get(key);
    if (!found) return void response.writeHead(404).end();
    response.writeHead(200, {
      'content-type': found.contentType,
      'content-length': found.bytes.length,
      ...(found.contentEncoding ? { 'content-encoding': found.contentEncoding } : {}),
      ...(found.etag ? { etag: found.etag } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : found.bytes);
  };

  const server = createServer((request, response) => {
    const fault = faults.shift();
    if (fault) fault(request, response);
    else void answer(request, response);
  });
  return { server, stored, undeletable, faults };
};
