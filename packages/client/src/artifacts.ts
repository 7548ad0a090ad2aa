import { reasonOf } from './errors.ts';
import { ObjectService, type Queue } from './generated/index.ts';

/** Which artifact; without a run, the task's latest. */
export interface ArtifactRef {
  readonly taskId: string;
  readonly runId?: number | undefined;
  readonly name: string;
}

/** Where the bytes of an artifact are. */
export interface ArtifactSource {
  readonly url: string;
  readonly storageType: string;
  /** Hashes of the content, by algorithm: what is downloaded must agree with them. */
  readonly hashes: Readonly<Record<string, string>>;
}

/** The artifact exists only as the reason why it does not: the task did not make it. */
export class ArtifactError extends Error {
  readonly reason: string;
  constructor(name: string, reason: string, message: string) {
    super(`${name}: ${message} (${reason})`);
    this.name = 'ArtifactError';
    this.reason = reason;
  }
}

const objectSource = async (
  queue: Queue,
  found: { name: string; credentials: object },
): Promise<ArtifactSource> => {
  const credentials = found.credentials as { clientId: string; accessToken: string; certificate: string };
  const objects = new ObjectService({ ...queue.options, credentials, authorizedScopes: undefined });
  const download = await objects.startDownload(found.name, {
    acceptDownloadMethods: { getUrl: true, simple: true },
  });
  const hashes = 'hashes' in download ? (download.hashes as Record<string, string>) : {};
  return { url: download.url, storageType: 'object', hashes };
};

/** Finds where an artifact's bytes are, links followed. Throws ArtifactError for one of type `error`. */
export const locateArtifact = async (
  queue: Queue,
  { taskId, runId, name }: ArtifactRef,
  signal?: AbortSignal,
): Promise<ArtifactSource> => {
  const found = await (runId === undefined
    ? queue.latestArtifact(taskId, name, { signal })
    : queue.artifact(taskId, runId, name, { signal }));
  if (found.storageType === 'error') throw new ArtifactError(name, found.reason, found.message);
  if (found.storageType === 'object') return objectSource(queue, found);
  return { url: found.url, storageType: found.storageType, hashes: {} };
};

/** The artifact could not be fetched from the place where its bytes should be. */
export class DownloadError extends Error {
  readonly statusCode: number | undefined;
  constructor(url: string, reason: string, statusCode?: number) {
    super(`${new URL(url).origin} did not hand out the artifact: ${reason}`);
    this.name = 'DownloadError';
    this.statusCode = statusCode;
  }
}

/** Opens an artifact for reading. One attempt; hashes are not checked. */
export const openArtifact = async (
  queue: Queue,
  ref: ArtifactRef,
  signal?: AbortSignal,
): Promise<{ response: Response; source: ArtifactSource }> => {
  const source = await locateArtifact(queue, ref, signal);
  return { response: await openSource(source, signal), source };
};

/** Opens the place where an artifact's bytes are. */
export const openSource = async ({ url }: ArtifactSource, signal?: AbortSignal): Promise<Response> => {
  let response: Response;
  try {
    response = await fetch(url, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw new DownloadError(url, reasonOf(error));
  }
  if (response.ok) return response;
  // Read to its end, the connection stays in use; cut off, it would be opened again for nothing.
  await response.text().catch(() => {});
  throw new DownloadError(url, `HTTP status ${response.status}`, response.status);
};

/** The whole artifact as text. */
export const readArtifactText = async (
  queue: Queue,
  ref: ArtifactRef,
  signal?: AbortSignal,
): Promise<string> => {
  const { response } = await openArtifact(queue, ref, signal);
  return response.text();
};
