import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstat, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { ArtifactError, DownloadError } from '../artifacts.ts';
import { Queue } from '../generated/index.ts';
import { type Answer, json, serve } from '../testing/server.ts';
import { downloadArtifact } from './download.ts';
import { UploadError, uploadArtifact } from './upload.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taskyard-client-'));
});
after(() => rm(folder, { recursive: true }));

const withServer = async (
  answer: (rootUrl: () => string) => Answer,
  test: (queue: Queue, server: Awaited<ReturnType<typeof serve>>) => Promise<void>,
): Promise<void> => {
  const server: Awaited<ReturnType<typeof serve>> = await serve(answer(() => server.rootUrl));
  try {
    await test(new Queue({ rootUrl: server.rootUrl, retryDelayMs: 1 }), server);
  } finally {
    await server.close();
  }
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const credentials = { clientId: 'upload', accessToken: 'token', certificate: '{"version":1}' };
const artifact = { taskId: 'task', runId: 0, name: 'public/a.txt' };

describe('downloading an artifact', () => {
  it('writes the decoded bytes, also after a broken transfer', () => {
    let broken = 0;
    return withServer(
      (rootUrl) =>
        ({ url }, response) => {
          if (url.startsWith('/api')) json(response, { storageType: 's3', url: `${rootUrl()}/bytes` });
          else if (broken++ === 0) {
            response.writeHead(200, { 'content-length': '100' });
            response.write('half', () => response.destroy());
          } else response.setHeader('content-encoding', 'gzip').end(gzipSync('content'));
        },
      async (queue) => {
        const path = join(folder, 'deep/er/a.txt');
        const { bytes } = await downloadArtifact(queue, { ...artifact, path });
        assert.equal(bytes, 7);
        assert.equal(await readFile(path, 'utf8'), 'content');
        assert.deepEqual(await readdir(join(folder, 'deep/er')), ['a.txt']);
      },
    );
  });

  const fromBytes =
    (send: (tries: number, response: ServerResponse) => void) =>
    (rootUrl: () => string): Answer => {
      let tries = 0;
      return ({ url }, response) => {
        if (url.startsWith('/api')) json(response, { storageType: 's3', url: `${rootUrl()}/bytes` });
        else send(++tries, response);
      };
    };

  it('fails where a compressed body ends too early, and is tried again', () =>
    withServer(
      fromBytes((tries, response) => {
        const whole = gzipSync('content '.repeat(1000));
        response.setHeader('content-encoding', 'gzip').end(tries === 3 ? whole : whole.subarray(0, -12));
      }),
      async (queue) => {
        const path = join(folder, 'cut-off.txt');
        const once = downloadArtifact(queue, { ...artifact, path }, { retries: 0 });
        await assert.rejects(
          once,
          (error) => error instanceof DownloadError && /broke off/.test(error.message),
        );
        await assert.rejects(readFile(path));
        const { bytes } = await downloadArtifact(queue, { ...artifact, path }, { retries: 1 });
        assert.equal(bytes, 8000);
      },
    ));

  it('follows redirects to the bytes, and tells the status where there are none', () =>
    withServer(
      (rootUrl) =>
        ({ url }, response) => {
          if (url.startsWith('/api')) json(response, { storageType: 'reference', url: `${rootUrl()}/moved` });
          else if (url === '/moved') response.writeHead(302, { location: '/bytes' }).end();
          else response.writeHead(410).end('gone');
        },
      async (queue) => {
        const wanted = { ...artifact, path: join(folder, 'moved') };
        await assert.rejects(
          downloadArtifact(queue, wanted),
          (error) => error instanceof DownloadError && error.statusCode === 410,
        );
      },
    ));

  it('writes into a pipe that is there, and through symbolic links', () =>
    withServer(
      fromBytes((_tries, response) => response.end('content')),
      async (queue) => {
        const [pipe, link, dangling] = ['pipe', 'link', 'dangling'].map((name) => join(folder, name)) as [
          string,
          string,
          string,
        ];
        execFileSync('mkfifo', [pipe]);
        const read = readFile(pipe, 'utf8');
        await downloadArtifact(queue, { ...artifact, path: pipe });
        assert.equal(await read, 'content');
        assert.ok((await lstat(pipe)).isFIFO());
        await writeFile(join(folder, 'real'), 'older');
        await symlink('real', link);
        await symlink('to-come', dangling);
        for (const path of [link, dangling]) await downloadArtifact(queue, { ...artifact, path });
        assert.ok((await lstat(link)).isSymbolicLink());
        assert.equal(await readFile(join(folder, 'real'), 'utf8'), 'content');
        assert.ok((await lstat(dangling)).isSymbolicLink());
        assert.equal(await readFile(join(folder, 'to-come'), 'utf8'), 'content');
        await assert.rejects(downloadArtifact(queue, { ...artifact, path: folder }), /is a directory/);
      },
    ));

  it('into a pipe is not tried again once bytes went into it', () => {
    let asked = 0;
    return withServer(
      fromBytes((tries, response) => {
        asked = tries;
        response.writeHead(200, { 'content-length': '100' });
        response.write('half', () => response.destroy());
      }),
      async (queue) => {
        const pipe = join(folder, 'half');
        execFileSync('mkfifo', [pipe]);
        const read = readFile(pipe, 'utf8');
        await assert.rejects(downloadArtifact(queue, { ...artifact, path: pipe }), /broke off/);
        assert.ok('half'.startsWith(await read));
        assert.equal(asked, 1);
      },
    );
  });

  it('of type object checks the hash', () =>
    withServer(
      (rootUrl) =>
        ({ url }, response) => {
          if (url === '/bytes') response.end('forged');
          else if (url.includes('/artifact-content/')) {
            json(response, { storageType: 'object', name: 't/task/0/a', credentials });
          } else {
            const hashes = { sha256: sha256('genuine'), unheardOf: 'x' };
            json(response, { method: 'getUrl', url: `${rootUrl()}/bytes`, expires: '', hashes });
          }
        },
      async (queue) => {
        const path = join(folder, 'forged');
        await assert.rejects(downloadArtifact(queue, { ...artifact, path }, { retries: 0 }), /sha256/);
        await assert.rejects(readFile(path));
      },
    ));

  it('of type error throws its reason', () =>
    withServer(
      () => (_request, response) =>
        json(response, { storageType: 'error', reason: 'missing', message: 'not there' }),
      async (queue) => {
        await assert.rejects(
          downloadArtifact(queue, { ...artifact, path: join(folder, 'x') }),
          (error: unknown) => error instanceof ArtifactError && error.reason === 'missing',
        );
      },
    ));
});

describe('uploading an artifact', () => {
  const upload = { ...artifact, expires: new Date(0), contentType: 'text/plain' };
  const s3 =
    (rootUrl: () => string, put: Answer): Answer =>
    ({ url, ...request }, response) =>
      url.startsWith('/api')
        ? json(response, {
            storageType: 's3',
            putUrl: `${rootUrl()}/put`,
            expires: '',
            contentType: 'text/plain',
          })
        : put({ url, ...request }, response);

  it('puts the bytes with their length, and again after a server error', () => {
    let count = 0;
    return withServer(
      (rootUrl) => s3(rootUrl, (_request, response) => void response.writeHead(count++ ? 200 : 500).end()),
      async (queue, { requests }) => {
        await uploadArtifact(queue, { ...upload, content: { bytes: Buffer.from('héllo') } });
        assert.equal(requests[0]?.method, 'POST');
        assert.deepEqual(JSON.parse(requests[0]?.text ?? ''), {
          storageType: 's3',
          expires: '1970-01-01T00:00:00.000Z',
          contentType: 'text/plain',
        });
        assert.equal(requests.length, 3);
        assert.equal(requests[2]?.text, 'héllo');
        assert.equal(requests[2]?.headers['content-length'], '6');
        assert.equal(requests[2]?.headers['content-type'], 'text/plain');
      },
    );
  });

  it('compresses a file on demand', async () => {
    const path = join(folder, 'log.txt');
    const text = 'line\n'.repeat(1000);
    await writeFile(path, text);
    await withServer(
      (rootUrl) => s3(rootUrl, (_request, response) => void response.end()),
      async (queue, { requests }) => {
        await uploadArtifact(queue, { ...upload, content: { path }, contentEncoding: 'gzip' });
        const stored = requests[1];
        assert.equal(stored?.headers['content-encoding'], 'gzip');
        assert.equal(stored?.headers['content-length'], String(stored?.bytes.length));
        assert.equal(gunzipSync(stored?.bytes ?? Buffer.alloc(0)).toString(), text);
      },
    );
  });

  it('tells of a refusal', () =>
    withServer(
      (rootUrl) => s3(rootUrl, (_request, response) => void response.writeHead(403).end('expired')),
      async (queue) => {
        await assert.rejects(
          uploadArtifact(queue, { ...upload, content: { bytes: Buffer.from('x') } }),
          (error: unknown) => error instanceof UploadError && error.statusCode === 403,
        );
      },
    ));

  it('in parts is not begun anew by a caller that repeats nothing when a call around the parts fails', () => {
    let failures = 0;
    return withServer(
      (rootUrl) => (request, response) => {
        const { method, url } = request;
        if (url.startsWith('/part')) response.setHeader('etag', `"${url}"`).end();
        else if (!url.includes('artifact-in-parts')) s3(rootUrl, () => {})(request, response);
        else if (failures++ % 2 === 0) json(response, { code: 'ServiceUnavailable' }, 503);
        else if (method === 'PUT') response.writeHead(204).end();
        else {
          const partUrls = [1, 2].map((part) => `${rootUrl()}/part-${part}`);
          json(response, { uploadId: 'u', partLength: 4, partUrls, expires: '' });
        }
      },
      async (queue, { requests }) => {
        const content = { bytes: Buffer.from('1234567') };
        await uploadArtifact(queue.use({ retries: 0 }), { ...upload, content, inPartsFrom: 1 });
        const parts = requests.filter(({ url }) => url.startsWith('/part'));
        assert.deepEqual(parts.map(({ text }) => text).sort(), ['1234', '567']);
        const last = requests.at(-1);
        assert.equal(last?.method, 'PUT');
        const etags = ['"/part-1"', '"/part-2"'];
        assert.deepEqual(JSON.parse(last?.text ?? ''), { uploadId: 'u', contentLength: 7, etags });
      },
    );
  });

  it('of type object goes through the object service', () =>
    withServer(
      (rootUrl) =>
        ({ url, text }, response) => {
          if (url === '/put') response.end();
          else if (url.includes('/queue/v1/task/')) {
            const made = {
              storageType: 'object',
              name: 't/a',
              projectId: 'p',
              uploadId: 'u',
              expires: 'e',
              credentials,
            };
            if (text.includes('storageType')) json(response, made);
            else response.writeHead(204).end();
          } else if (url.includes('/upload/')) {
            const { proposedUploadMethods } = JSON.parse(text) as {
              proposedUploadMethods: Record<string, unknown>;
            };
            const putUrl = {
              url: `${rootUrl()}/put`,
              expires: 'e',
              headers: { 'content-type': 'text/plain' },
            };
            json(response, {
              uploadMethod: 'dataInline' in proposedUploadMethods ? { dataInline: true } : { putUrl },
            });
          } else json(response, {});
        },
      async (queue, { requests }) => {
        const big = 'x'.repeat(10_000);
        for (const text of ['small', big]) {
          await uploadArtifact(queue, {
            ...upload,
            storageType: 'object',
            content: { bytes: Buffer.from(text) },
          });
        }
        const paths = requests.map(({ method, url }) => `${method} ${url.replace(/.*\/v1/, '')}`);
        const name = '/task/task/runs/0/artifacts/public%2Fa.txt';
        const around = [`POST ${name}`, 'PUT /upload/t%2Fa'];
        const finish = ['POST /finish-upload/t%2Fa', `PUT ${name}`];
        assert.deepEqual(paths, [...around, ...finish, ...around, 'PUT /put', ...finish]);
        assert.deepEqual(JSON.parse(requests[2]?.text ?? '').hashes, { sha256: sha256('small') });
      },
    ));
});
