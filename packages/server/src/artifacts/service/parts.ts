import { type Batched, later, minutes, RequestError } from '../../base/index.ts';
import type { Context } from '../context.ts';
import * as lifecycle from '../lifecycle.ts';
import type {
  CreateArtifactInPartsRequest,
  CreateArtifactInPartsResponse,
  FinishArtifactInPartsRequest,
} from '../schema.ts';
import type { Created } from './create.ts';
import { bytesKey } from './keys.ts';

interface OfRun {
  readonly taskId: string;
  readonly runId: number;
  readonly name: string;
}

/** The parts of large files take longer to upload than a file that goes up by one request. */
const partUrlsMs = minutes(120);

const partsOf = ({ objects }: Context) => {
  const { parts } = objects.artifactBytes;
  if (parts) return parts;
  throw new RequestError(
    'NoMatchingMethod',
    'Artifacts take one upload each here: they are not kept in a bucket.',
  );
};

/** Adds an artifact as if it were asked for to be uploaded at once, and returns where its parts go. Safe to repeat. */
export const createInParts = async (
  context: Context,
  createArtifacts: Batched<lifecycle.NewArtifact, Created>,
  asked: CreateArtifactInPartsRequest & OfRun,
): Promise<CreateArtifactInPartsResponse> => {
  const parts = partsOf(context);
  const { taskId, runId, name, contentType, ...about } = asked;
  const request = { storageType: 's3', expires: about.expires, contentType } as const;
  const { artifact } = await createArtifacts.one({ taskId, runId, name, request });
  const { uploadId, partLength, urls, expires } = await parts.begin(bytesKey(artifact), {
    contentType: artifact.contentType,
    contentEncoding: about.contentEncoding,
    contentLength: about.contentLength,
    uploadId: about.uploadId,
    expires: later(context.clock.now(), partUrlsMs),
  });
  return { uploadId, partLength, partUrls: [...urls], expires: expires.toJSON() };
};

/** Joins the parts of an artifact, as long as its run may still get artifacts. Safe to repeat. */
export const finishInParts = async (
  context: Context,
  find: (ref: OfRun) => Promise<lifecycle.Artifact>,
  { taskId, runId, name, ...finished }: FinishArtifactInPartsRequest & OfRun,
): Promise<undefined> => {
  const parts = partsOf(context);
  const artifact = await find({ taskId, runId, name });
  if (artifact.storageType !== 's3' || lifecycle.keepsContent(artifact))
    throw new RequestError('InputError', 'This artifact has no upload in parts.');
  const [status] = await context.readStatuses(context.db, [taskId]);
  const { contentType } = artifact;
  const request = { storageType: 's3', expires: artifact.expires.toJSON(), contentType } as const;
  const refusal = lifecycle.refusalOf({ runId, name, request }, status, context.clock.now());
  if (refusal) {
    // Nobody can finish it any more. What is not aborted goes by the bucket's rule.
    await parts.abort(bytesKey(artifact), finished.uploadId).catch(() => undefined);
    throw refusal;
  }
  await parts.join(bytesKey(artifact), finished);
};
