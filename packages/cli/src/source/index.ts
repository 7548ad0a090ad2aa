import { Secrets } from '@taskyard/client';
import type { GitSource, Graph } from '../graph-file/index.ts';
import { type Io, remark } from '../io.ts';
import { type GitSecret, withCommit } from './checkout-commit.ts';
import { mountSource } from './mount.ts';
import { type Packed, withPacked } from './pack.ts';
import { type Destination, ensureUploaded, type UploadedSource } from './upload.ts';

/** Where a graph's source goes, and which folders are never part of it. */
export interface Provision extends Destination {
  readonly hidden: readonly string[];
}

const secretNamed = async (
  name: string,
  { rootUrl, credentials }: Destination,
): Promise<GitSecret | undefined> => {
  const secrets = new Secrets({ rootUrl, credentials, retries: 3 });
  return (await secrets.get(name)).secret as GitSecret;
};

const size = (bytes: number): string =>
  bytes < 2 ** 20 ? `${Math.ceil(bytes / 2 ** 10)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;

const provide = async (
  io: Io,
  packed: Packed,
  { from, provision }: { from: string; provision: Provision },
): Promise<UploadedSource> => {
  const uploaded = await ensureUploaded(packed, provision);
  const what = uploaded.isNew ? 'uploaded' : 'unchanged';
  remark(io, `Source: ${from}, ${packed.files} files, ${size(packed.bytes)}, ${what}`);
  return uploaded;
};

const provideCommit = async (io: Io, source: GitSource, provision: Provision): Promise<UploadedSource> => {
  const secret = source.secret === undefined ? undefined : await secretNamed(source.secret, provision);
  return withCommit(source, secret, ({ folder, commit }) =>
    withPacked(folder, [], (packed) =>
      provide(io, packed, { from: `${source.url} at ${commit}`, provision }),
    ),
  );
};

/**
 * Packs the source of a graph, uploads it unless the server has it, and mounts it in the graph's tasks. A graph without
 * a source is returned as it is.
 */
export const provideSource = async (io: Io, graph: Graph, provision: Provision): Promise<Graph> => {
  const { source } = graph;
  if (!source || !graph.tasks.some(({ hasSource }) => hasSource)) return graph;
  if (source.kind === 'git') return mountSource(graph, await provideCommit(io, source, provision));
  const { folder } = source;
  const uploaded = await withPacked(folder, provision.hidden, (packed) =>
    provide(io, packed, { from: folder, provision }),
  );
  return mountSource(graph, uploaded);
};
