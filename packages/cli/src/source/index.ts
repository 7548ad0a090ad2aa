import { ApiError, Auth, Secrets, scopesSatisfy } from '@taskyard/client';
import { CommandError, exitCodes } from '../exit-codes.ts';
import type { GitSource, Graph } from '../graph-file/index.ts';
import { type Io, remark } from '../io.ts';
import { type GitSecret, withCommit } from './checkout-commit.ts';
import { mountSource, sourceScope } from './mount.ts';
import { type Packed, withPacked } from './pack.ts';
import {
  type Destination,
  ensureUploaded,
  sourceArtifact,
  type UploadedSource,
  uploadScopes,
} from './upload.ts';

/** The server of a graph's source, and folders that are never part of it. */
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

/** The scopes of the caller; undefined when they cannot be read. */
const currentScopes = async ({
  rootUrl,
  credentials,
}: Destination): Promise<readonly string[] | undefined> => {
  try {
    return (await new Auth({ rootUrl, credentials, retries: 3 }).currentScopes()).scopes;
  } catch (error) {
    if (error instanceof ApiError && error.statusCode === 403) return undefined;
    throw error;
  }
};

/** Refuses to upload for a caller who could not create the graph's tasks afterwards. Throws a CommandError. */
const refuseWithoutScopes = async (graph: Graph, { sha256 }: Packed, provision: Provision): Promise<void> => {
  const held = await currentScopes(provision);
  if (!held) return;
  const lent = graph.tasks.flatMap(({ task }) =>
    Array.isArray(task.scopes) ? (task.scopes as string[]) : [],
  );
  // The source will differ next time.
  const own = sourceScope(sourceArtifact(sha256));
  const wanted = new Set([...uploadScopes, own, ...lent]);
  const missing = [...wanted].filter((scope) => !scopesSatisfy(held, [scope]));
  if (missing.length === 0) return;
  const lines = missing.map((scope) => `  ${scope === own ? sourceScope('source/*') : scope}`).join('\n');
  throw new CommandError(
    exitCodes.failed,
    `Nothing was created: to submit this graph, you also need these scopes:\n${lines}`,
  );
};

const provide = async (
  io: Io,
  packed: Packed,
  { from, graph, provision }: { from: string; graph: Graph; provision: Provision },
): Promise<UploadedSource> => {
  await refuseWithoutScopes(graph, packed, provision);
  const uploaded = await ensureUploaded(packed, provision);
  const what = uploaded.isNew ? 'uploaded' : 'unchanged';
  remark(io, `Source: ${from}, ${packed.files} files, ${size(packed.bytes)}, ${what}`);
  return uploaded;
};

const provideCommit = async (
  io: Io,
  source: GitSource,
  { graph, provision }: { graph: Graph; provision: Provision },
): Promise<UploadedSource> => {
  const secret = source.secret === undefined ? undefined : await secretNamed(source.secret, provision);
  return withCommit(source, secret, ({ folder, commit }) =>
    withPacked({ folder }, [], (packed) =>
      provide(io, packed, { from: `${source.url} at ${commit}`, graph, provision }),
    ),
  );
};

/**
 * Packs the source of a graph, uploads it unless the server has it, and mounts it in the graph's tasks. A graph without a
 * source does not change.
 */
export const provideSource = async (io: Io, graph: Graph, provision: Provision): Promise<Graph> => {
  const { source } = graph;
  if (!source || !graph.tasks.some(({ hasSource }) => hasSource)) return graph;
  if (source.kind === 'git') return mountSource(graph, await provideCommit(io, source, { graph, provision }));
  const { folder } = source;
  const uploaded = await withPacked(source, provision.hidden, (packed) =>
    provide(io, packed, { from: folder, graph, provision }),
  );
  return mountSource(graph, uploaded);
};
