import { createHash } from 'node:crypto';
import { type Answer, type Batched, errorStatuses, RequestError } from '../../base/index.ts';
import type { Context } from '../context.ts';
import type { Content, NewArtifact } from '../lifecycle.ts';
import { type CreateArtifactsRequest, type CreateArtifactsResponse, contentBytesMax } from '../schema.ts';
import { type Created, whatToDo } from './create.ts';

/** Artifacts that are asked for in one request. */
export interface NewArtifactsOfRun extends CreateArtifactsRequest {
  readonly taskId: string;
  readonly runId: number;
}

type Asked = CreateArtifactsRequest['artifacts'][number];

/** Adds artifacts to a run as if each had been asked for alone, and keeps the bytes that come along. Safe to repeat. */
export const createMany = async (
  context: Context,
  createArtifacts: Batched<NewArtifact, Created>,
  { taskId, runId, artifacts }: NewArtifactsOfRun,
): Promise<CreateArtifactsResponse> => {
  const asked = artifacts.map(({ name, artifact: request, content: given }): Answer<NewArtifact> => {
    const content = given && contentOf(given, request);
    return content instanceof RequestError ? content : { taskId, runId, name, request, content };
  });
  const valid = asked.flatMap((one) => (one instanceof RequestError ? [] : [one]));
  const created = (await createArtifacts.all(valid)).values();
  const answers = asked.map((one) => (one instanceof RequestError ? one : created.next().value));
  const replies = artifacts.map((one, i) => replyTo(one, answers[i] as Answer<Created>, context));
  return { artifacts: await Promise.all(replies) };
};

/** The bytes that came along with a request for an artifact, if they are what the request says. */
const contentOf = (
  { base64, sha256, contentEncoding: encoding }: NonNullable<Asked['content']>,
  { storageType }: Asked['artifact'],
): Answer<Content> => {
  if (storageType !== 's3')
    return new RequestError('InputError', `Artifacts of type ${storageType} have no content.`);
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length > contentBytesMax)
    return new RequestError('InputTooLarge', `The content is larger than ${contentBytesMax} bytes.`);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256)
    return new RequestError('InputError', 'The content does not have this sha256.');
  return { bytes, sha256, encoding };
};

const replyTo = async (
  { name, content }: Asked,
  answer: Answer<Created>,
  context: Context,
): Promise<CreateArtifactsResponse['artifacts'][number]> => {
  if (answer instanceof RequestError) {
    const { code, message } = answer;
    return { name, error: { statusCode: errorStatuses[code], code, message } };
  }
  return content ? { name, isStored: true } : { name, artifact: await whatToDo(answer, context) };
};
