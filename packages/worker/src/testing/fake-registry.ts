import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { busyboxParts, type ImageContent, sha256 } from './saved-image.ts';

/** A registry of images over HTTP, as daemons pull from it. */
export interface FakeRegistry {
  /** Names begin with it. */
  readonly address: string;
  /** Puts an image under a name and a tag (`busybox:1`); returns its digest. */
  put(name: string, content?: ImageContent): Promise<string>;
  /** The statuses of the next replies to requests for manifests, before they succeed again. */
  readonly failures: number[];
  /** Lets nobody have an image from now on. */
  deny(): void;
  /** Breaks off all further replies with content, in its middle. */
  breakOff(): void;
  /** Leaves all further requests for content without an answer. */
  stall(): void;
  /** Requests for manifests, by the names that were asked for. */
  readonly asked: string[];
  close(): Promise<void>;
}

const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';

/** The manifest of an image whose parts are stored. */
const manifestOf = async (
  content: ImageContent | undefined,
  store: (bytes: Buffer) => { digest: string; size: number },
): Promise<Buffer> => {
  const { config, layer } = await busyboxParts(content);
  const image = {
    mediaType: 'application/vnd.docker.container.image.v1+json',
    ...store(Buffer.from(config)),
  };
  const tree = { mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip', ...store(gzipSync(layer)) };
  return Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config: image, layers: [tree] }),
  );
};

const storeIn =
  (blobs: Map<string, Buffer>) =>
  (bytes: Buffer): { digest: string; size: number } => {
    const digest = `sha256:${sha256(bytes)}`;
    blobs.set(digest, bytes);
    return { digest, size: bytes.length };
  };

const denial = JSON.stringify({
  errors: [{ code: 'DENIED', message: 'requested access to the resource is denied' }],
});

const breakingOff = (response: ServerResponse, content: Buffer = Buffer.alloc(0)): void => {
  response.writeHead(200, { 'content-length': content.length });
  response.write(content.subarray(0, content.length / 2), () => response.destroy());
};

/** Starts a registry that holds nothing yet. */
export const startFakeRegistry = async (): Promise<FakeRegistry> => {
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, Buffer>();
  const failures: number[] = [];
  const asked: string[] = [];
  const faults = { isStalled: false, isDenied: false, isBroken: false };
  const fault = (name: keyof typeof faults) => () => {
    faults[name] = true;
  };

  const store = storeIn(blobs);

  const answerManifest = (response: ServerResponse, reference: string): void => {
    asked.push(reference);
    const failure = failures.shift();
    const manifest = manifests.get(reference);
    if (failure !== undefined) response.writeHead(failure).end();
    else if (faults.isDenied) response.writeHead(403).end(denial);
    else if (!manifest) response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
    else {
      const headers = { 'content-type': manifestType, 'content-length': manifest.length };
      response
        .writeHead(200, { ...headers, 'docker-content-digest': `sha256:${sha256(manifest)}` })
        .end(manifest);
    }
  };

  const server = createServer((request, response) => {
    const [, name, kind, reference = ''] =
      /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? '') ?? [];
    response.setHeader('docker-distribution-api-version', 'registry/2.0');
    if (kind === 'manifests')
      answerManifest(response, `${name}${reference.includes(':') ? '@' : ':'}${reference}`);
    else if (kind === 'blobs' && faults.isStalled) return;
    else if (kind === 'blobs' && faults.isBroken) breakingOff(response, blobs.get(reference));
    else if (kind === 'blobs') response.writeHead(blobs.has(reference) ? 200 : 404).end(blobs.get(reference));
    else response.writeHead(200).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    put: async (name, content) => {
      const manifest = await manifestOf(content, store);
      const digest = `sha256:${sha256(manifest)}`;
      manifests.set(name, manifest);
      manifests.set(`${name.replace(/:[^:]*$/, '')}@${digest}`, manifest);
      return digest;
    },
    failures,
    deny: fault('isDenied'),
    breakOff: fault('isBroken'),
    stall: fault('isStalled'),
    asked,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};
