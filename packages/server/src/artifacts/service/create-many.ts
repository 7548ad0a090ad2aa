import { type Batched, errorStatuses, RequestError } from '../../base/index.ts';
import type { Context } from '../context.ts';
import type { CreateArtifactsRequest, CreateArtifactsResponse } from '../schema.ts';
import { type Created, type NewArtifact, whatToDo } from './create.ts';

/** Artifacts of a run that are created by one request. */
export interface ManyArtifacts extends CreateArtifactsRequest {
  readonly taskId: string;
  readonly runId: number;
}

/** Creates artifacts of a run; one answer for each, in order. One that is refused leaves the others as they are. */
export const createManyArtifacts = async (
  context: Context,
  creations: Batched<NewArtifact, Created>,
  { taskId, runId, artifacts }: ManyArtifacts,
): Promise<CreateArtifactsResponse> => {
  const items = artifacts.map(({ name, artifact: request }) => ({ taskId, runId, name, request }));
  const answers = await creations.all(items);
  const views = answers.map(async (answer, i) => {
    const { name } = items[i] as NewArtifact;
    if (!(answer instanceof RequestError)) return { name, created: await whatToDo(answer, context) };
    const { code, message } = answer;
    return { name, error: { statusCode: errorStatuses[code], code, message } };
  });
  return { artifacts: await Promise.all(views) };
};
