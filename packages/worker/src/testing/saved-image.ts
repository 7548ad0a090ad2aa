import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { pack } from 'tar-stream';

const programs =
  'awk base64 cat chmod cut date dd echo env false grep head hostname id kill ln ls mkdir mv od ps pwd rm sed setsid sh sleep sort stty tail test touch tr true tty uname wc wget whoami'.split(
    ' ',
  );

const collected = async (archive: ReturnType<typeof pack>): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of archive as unknown as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
};

export const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

/** A root filesystem of one layer: busybox, the names of its programs, and files of a test's own. */
const layerOf = async (files: Readonly<Record<string, string>>): Promise<Buffer> => {
  const archive = pack();
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp', 'usr', 'usr/bin', 'var']) {
    archive.entry({ name: `${name}/`, type: 'directory', mode: name === 'tmp' ? 0o1777 : 0o755 });
  }
  archive.entry({ name: 'bin/busybox', mode: 0o755 }, await readFile('/bin/busybox'));
  for (const name of programs) archive.entry({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' });
  archive.entry({ name: 'usr/bin/env', type: 'symlink', linkname: '/bin/busybox' });
  const etc = { 'etc/passwd': 'root:x:0:0:root:/:/bin/sh\n', 'etc/group': 'root:x:0:\n' };
  for (const [name, content] of Object.entries({ ...etc, ...files })) archive.entry({ name }, content);
  archive.finalize();
  return collected(archive);
};

export interface ImageParts {
  readonly config: string;
  readonly layer: Buffer;
}

export interface ImageContent {
  readonly files?: Readonly<Record<string, string>>;
  readonly config?: Readonly<Record<string, unknown>>;
}

/** The parts of an image, wherever it is stored. */
export const busyboxParts = async ({ files = {}, config = {} }: ImageContent = {}): Promise<ImageParts> => {
  const layer = await layerOf(files);
  const description = {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Env: ['PATH=/bin:/usr/bin'], Cmd: ['/bin/sh'], ...config },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
    history: [{ created_by: 'a test' }],
  };
  return { config: JSON.stringify(description), layer };
};

/** An image as `docker save` writes it, under one name, several or none; newer daemons write an index too. */
export const saveBusybox = async (
  given: string | readonly string[],
  content: ImageContent = {},
  { hasIndex = false } = {},
): Promise<Buffer> => {
  const names = typeof given === 'string' ? [given] : given;
  const { config, layer } = await busyboxParts(content);
  const archive = pack();
  const configName = `${sha256(config)}.json`;
  archive.entry({ name: configName }, config);
  archive.entry({ name: 'layer/layer.tar' }, layer);
  const tags = names.length === 0 ? null : names;
  const manifest = [{ Config: configName, RepoTags: tags, Layers: ['layer/layer.tar'] }];
  archive.entry({ name: 'manifest.json' }, JSON.stringify(manifest));
  const byName = names.map((name) => [name.replace(/:[^:]*$/, ''), { test: 'layer' }]);
  archive.entry({ name: 'repositories' }, JSON.stringify(Object.fromEntries(byName)));
  if (hasIndex) archive.entry({ name: 'index.json' }, indexOf(names, sha256(config)));
  archive.finalize();
  return collected(archive);
};

/** The image once for each of its names, as daemons from version 25 on list it. */
const indexOf = (names: readonly string[], digest: string): string => {
  const annotated = names.map((name) => ({
    digest: `sha256:${digest}`,
    annotations: { 'io.containerd.image.name': `docker.io/library/${name}` },
  }));
  return JSON.stringify({ schemaVersion: 2, manifests: annotated });
};
