import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Stored } from './fake-bucket.ts';

/** A multipart upload that is not finished. */
interface BegunParts {
  readonly key: string;
  readonly about: Omit<Stored, 'bytes'>;
  readonly parts: Map<number, { readonly body: Buffer; readonly etag: string }>;
}

interface AskedOfParts {
  readonly method: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  readonly headers: IncomingMessage['headers'];
}

interface Reply {
  readonly status: number;
  readonly xml: string;
  readonly etag?: string;
}

/** The uploads in parts to a small bucket; those that are finished are stored. */
export const fakeParts = (stored: Map<string, Stored>) => {
  const begun = new Map<string, BegunParts>();
  let begunCount = 0;

  return (asked: AskedOfParts): Reply => {
    const { method, key, query, body, headers } = asked;
    if (query.has('uploads')) {
      const uploadId = `upload-${begunCount++}`;
      const contentEncoding = headers['content-encoding'];
      const about = {
        contentType: headers['content-type'] ?? '',
        ...(contentEncoding ? { contentEncoding } : {}),
      };
      begun.set(uploadId, { key, about, parts: new Map() });
      return { status: 200, xml: `<R><UploadId>${uploadId}</UploadId></R>` };
    }
    const upload = begun.get(query.get('uploadId') ?? '');
    if (upload?.key !== key) return { status: 404, xml: '<Error><Code>NoSuchUpload</Code></Error>' };
    if (method === 'PUT') {
      const etag = `"${createHash('md5').update(body).digest('hex')}"`;
      upload.parts.set(Number(query.get('partNumber')), { body, etag });
      return { status: 200, xml: '', etag };
    }
    if (method === 'DELETE') {
      begun.delete(query.get('uploadId') ?? '');
      return { status: 204, xml: '' };
    }
    const parts = [...upload.parts].sort(([one], [other]) => one - other).map(([, part]) => part);
    const named = [...String(body).matchAll(/<ETag>([^<]*)<\/ETag>/g)].map(([, etag = '']) =>
      etag.replaceAll('&quot;', '"'),
    );
    if (named.join() !== parts.map(({ etag }) => etag).join())
      return { status: 400, xml: '<Error><Code>InvalidPart</Code><Message>not there</Message></Error>' };
    begun.delete(query.get('uploadId') ?? '');
    const joined = createHash('md5')
      .update(Buffer.from(named.join('').replaceAll('"', ''), 'hex'))
      .digest('hex');
    stored.set(key, {
      ...upload.about,
      bytes: Buffer.concat(parts.map((part) => part.body)),
      etag: `"${joined}-${parts.length}"`,
    });
    return { status: 200, xml: '<R><ETag>"all"</ETag></R>' };
  };
};
