import { later, minutes, RequestError, requireDate } from '../base/index.ts';
import type { StatusWithLabels } from '../queue/index.ts';
import type { PostArtifactRequest, StorageType } from './schema.ts';

/** An artifact by its name; `latest` is the last run in any state. */
export interface ArtifactRef {
  readonly taskId: string;
  readonly runId: number | 'latest';
  readonly name: string;
}

/** An artifact as it is stored. */
export interface Artifact extends ArtifactRef {
  readonly runId: number;
  readonly storageType: StorageType;
  readonly contentType: string;
  readonly contentLength: number | null;
  /** JSON text: equal details are equal texts. */
  readonly details: string;
  /** False for an object whose upload is not finished. */
  readonly present: boolean;
  readonly expires: Date;
}

/** The few bytes of a new artifact, as they are sent to its readers. */
export interface Content {
  readonly bytes: Buffer;
  /** Of these bytes, in hexadecimal. */
  readonly sha256: string;
  readonly encoding?: 'gzip' | undefined;
}

/** The details of an artifact; each storage type has some of these. */
export interface Details {
  /** Of bytes that are kept with the artifact, in no backend. */
  readonly sha256?: string;
  readonly encoding?: 'gzip';
  readonly uploadId?: string;
  readonly projectId?: string;
  readonly url?: string;
  readonly artifact?: string;
  readonly reason?: string;
  readonly message?: string;
}

export const detailsOf = (artifact: Pick<Artifact, 'details'>): Details =>
  JSON.parse(artifact.details) as Details;

/** Whether the bytes are kept with the artifact, and not in a backend. */
export const keepsContent = (artifact: Pick<Artifact, 'storageType' | 'details'>): boolean =>
  artifact.storageType === 's3' && detailsOf(artifact).sha256 !== undefined;

/** Artifacts are deleted this long after their expiry: signed URLs that were handed out just before it are good until then. */
export const deletedAfterMs = minutes(30);

/** What the names of logs begin with. */
export const logPrefix = 'public/logs/';

const clockDriftMs = minutes(15);
const afterExceptionMs = minutes(25);
const printable = /^[\x20-\x7e]*$/;

/** The longest name that listings can show. */
export const nameCharactersMax = 1024;

const nameMistake = (name: string): string | undefined => {
  if (name.length > nameCharactersMax)
    return `The name of an artifact has at most ${nameCharactersMax} characters`;
  // Clients take it for a step in the path of a URL.
  return name === '.' || name === '..' ? `An artifact cannot be called '${name}'` : undefined;
};

const inputMistake = (request: PostArtifactRequest, now: Date): string | undefined => {
  if (new Date(request.expires) < later(now, -clockDriftMs)) return 'Expires must be in the future';
  if ('contentType' in request && !printable.test(request.contentType ?? ''))
    return 'The content type must be printable ASCII';
  if (request.storageType === 'link' && !(request.artifact && printable.test(request.artifact)))
    return 'The name of an artifact is printable ASCII';
  if (request.storageType === 'reference' && !isWebUrl(request.url))
    return 'The URL of a reference begins with http:// or https://';
  return undefined;
};

const isWebUrl = (text: string): boolean =>
  URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);

/** Why this artifact cannot be added to a run now; undefined when it can. */
export const refusalOf = (
  {
    runId,
    name,
    request,
  }: { readonly runId: number; readonly name: string; readonly request: PostArtifactRequest },
  status: StatusWithLabels | undefined,
  now: Date,
): RequestError | undefined => {
  const mistake = nameMistake(name) ?? inputMistake(request, now);
  if (mistake) return new RequestError('InputError', mistake);
  if (!status) return new RequestError('InputError', 'Task not found');
  const run = status.runs[runId];
  if (!run) return new RequestError('InputError', 'Run not found');
  if (!run.workerId) return new RequestError('InputError', 'The run has not been claimed yet');
  if (new Date(request.expires) > new Date(status.expires))
    return new RequestError(
      'InputError',
      `Artifacts expire at the latest with the task expiration, ${status.expires}`,
    );
  const isLate = run.state === 'exception' && new Date(run.resolved ?? 0) > later(now, -afterExceptionMs);
  if (run.state !== 'running' && !isLate)
    return new RequestError(
      'RequestConflict',
      `A ${run.state} run gets no artifacts: only a running one does, or one that ended as an exception just now.`,
    );
  return undefined;
};

/** Why the bytes of an artifact cannot be replaced; undefined during its run. */
export const replaceRefusal = (
  run: StatusWithLabels['runs'][number] | undefined,
): RequestError | undefined =>
  run?.state === 'running'
    ? undefined
    : new RequestError('RequestConflict', 'These bytes are final: the run that made them has ended.');

/** The storage types whose bytes arrive later. They are announced when they have arrived, or never. */
const arrivesLater = (storageType: StorageType): boolean => storageType === 'object';

const detailsAskedFor = (
  request: PostArtifactRequest,
  { content, ...fresh }: Details & { readonly content?: Content | undefined },
): Details => {
  if (request.storageType === 'object') return fresh;
  if (content) {
    const { sha256, encoding } = content;
    return encoding ? { sha256, encoding } : { sha256 };
  }
  if (request.storageType === 'reference') return { url: request.url };
  if (request.storageType === 'link') return { artifact: request.artifact };
  if (request.storageType === 'error') return { reason: request.reason, message: request.message };
  return {};
};

const contentTypeDefault = 'application/binary';

/** An artifact that is asked for, with its bytes if they came along. */
export interface NewArtifact extends ArtifactRef {
  readonly runId: number;
  readonly request: PostArtifactRequest;
  readonly content?: Content | undefined;
}

/** The artifact that a request asks for; `fresh` are the details of a new upload, if it is one. */
export const artifactAskedFor = (
  { taskId, runId, name, request, content }: NewArtifact,
  fresh: Details,
): Artifact => ({
  taskId,
  runId,
  name,
  storageType: request.storageType,
  contentType: ('contentType' in request ? request.contentType : undefined) ?? contentTypeDefault,
  contentLength:
    content?.bytes.length ?? ('contentLength' in request ? request.contentLength : undefined) ?? null,
  details: JSON.stringify(detailsAskedFor(request, { ...fresh, content })),
  present: !arrivesLater(request.storageType),
  expires: requireDate(request.expires, 'expires'),
});

/**
 * Messages report readable artifacts. Uploads to a signed URL are never reported, since their end is unknown.
 */
export const isAnnounced = ({ storageType, present }: Artifact): boolean => present && storageType !== 's3';

/** Why the upload of an artifact cannot be finished; undefined when it can be, also again. */
export const finishRefusal = (
  artifact: Artifact | undefined,
  { uploadId, isUploaded }: { readonly uploadId: string; readonly isUploaded: boolean },
): RequestError | undefined => {
  if (!artifact) return new RequestError('ResourceNotFound', 'There is no such artifact.');
  if (artifact.storageType !== 'object')
    return new RequestError(
      'InputError',
      `Artifacts of type ${artifact.storageType} have nothing to finish.`,
    );
  if (detailsOf(artifact).uploadId !== uploadId)
    return new RequestError('InputError', 'The artifact comes from another upload.');
  return isUploaded
    ? undefined
    : new RequestError('InputError', 'The object service has no finished object for this artifact.');
};

/** Why an artifact cannot be read; undefined when it can. */
export const readRefusal = (artifact: Artifact, now: Date): RequestError | undefined => {
  if (!artifact.present)
    return new RequestError('ResourceNotFound', 'The upload of this artifact is not finished.');
  if (artifact.expires < now) return new RequestError('ResourceExpired', 'This artifact has expired.');
  return undefined;
};
