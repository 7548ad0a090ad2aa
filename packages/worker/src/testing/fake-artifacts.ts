import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type FakeArtifact, type FakeTasks, type Json, Refusal, refusalIn } from './fake-tasks.ts';

/** Names one artifact of a run. */
interface ArtifactAddress {
  readonly taskId: string;
  readonly runId: number;
  readonly name: string;
}

const uploadUrl = (rootUrl: string, { taskId, runId, name }: ArtifactAddress): string =>
  `${rootUrl}/upload/${taskId}/${runId}/${encodeURIComponent(name)}`;

/** Creates an artifact of a running run; the reply tells where its bytes go. */
export const createArtifact = (
  tasks: FakeTasks,
  { rootUrl, body, address }: { rootUrl: string; body: Json; address: ArtifactAddress },
): Json => {
  const { name } = address;
  const run = tasks.runningRun(tasks.find(address.taskId), address.runId);
  const earlier = run.artifacts.get(name);
  const mayReplace = !earlier || earlier.storageType === body.storageType || body.storageType === 'link';
  if (!mayReplace) throw new Refusal(409, `${name} exists as ${earlier.storageType}.`);
  run.artifacts.set(name, { ...(body as unknown as FakeArtifact) });
  const { storageType, expires, contentType } = body;
  if (storageType !== 's3') return { storageType };
  return { storageType, putUrl: uploadUrl(rootUrl, address), expires, contentType };
};

/** Creates many artifacts of a running run; the bytes of some come along. */
export const createArtifacts = (
  tasks: FakeTasks,
  { rootUrl, body, taskId, runId }: { rootUrl: string; body: Json; taskId: string; runId: number },
): Json => {
  const asked = body.artifacts as { name: string; artifact: Json; content?: Record<string, string> }[];
  const artifacts = asked.map(({ name, artifact, content }) => {
    try {
      const reply = createArtifact(tasks, { rootUrl, body: artifact, address: { taskId, runId, name } });
      if (!content) return { name, artifact: reply };
      const run = tasks.runningRun(tasks.find(taskId), runId);
      const { base64 = '', contentEncoding } = content;
      const bytes = Buffer.from(base64, 'base64');
      // As an upload of its own has them.
      const headers = {
        'content-type': String(artifact.contentType),
        'content-length': String(bytes.length),
        ...(contentEncoding === undefined ? {} : { 'content-encoding': contentEncoding }),
      };
      run.artifacts.set(name, { ...(artifact as unknown as FakeArtifact), bytes, headers });
      return { name, isStored: true };
    } catch (error) {
      return { name, error: refusalIn(error) };
    }
  });
  return { artifacts };
};

/** Where the bytes of an artifact are; links are followed. */
export const artifactContent = (tasks: FakeTasks, rootUrl: string, address: ArtifactAddress): Json => {
  const { taskId, runId, name } = address;
  const found = tasks.find(taskId).runs[runId]?.artifacts.get(name);
  if (!found) throw new Refusal(404, 'There is no such artifact.');
  const { storageType } = found;
  if (storageType === 'link')
    return artifactContent(tasks, rootUrl, { ...address, name: found.artifact ?? '' });
  if (storageType === 'reference') return { storageType, url: found.url };
  if (storageType === 'error') return { storageType, reason: found.reason, message: 'it is not there' };
  return { storageType, url: uploadUrl(rootUrl, address) };
};

/** Takes the bytes of an artifact, or returns them. */
export const exchangeBytes = async (
  tasks: FakeTasks,
  path: readonly string[],
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<void> => {
  const [taskId = '', runId, name = ''] = path;
  const run = tasks.find(taskId).runs[Number(runId)];
  const found = run?.artifacts.get(name);
  if (!run || !found) throw new Refusal(404, 'There is no such artifact.');
  if (request.method === 'PUT') {
    run.artifacts.set(name, { ...found, bytes: await buffer(request), headers: request.headers });
    response.writeHead(200).end();
    return;
  }
  const encoding = found.headers?.['content-encoding'];
  response.writeHead(200, encoding === undefined ? {} : { 'content-encoding': encoding }).end(found.bytes);
};
