import { later, minutes, RequestError } from '../base/index.ts';
import { mistakesIn } from '../http/index.ts';
import { createTaskRequest, type FilledTaskRequest } from '../queue/index.ts';
import type { Context } from './context.ts';
import { copyOf, type Published, worker } from './lifecycle.ts';
import { type Entry, type PublishedArtifact, UpstreamReading, UpstreamTrouble } from './reading.ts';

const [missingMs, missingMax] = [minutes(1), 10_000];

const authorize = (): void => {};

/** Whether a change was made. Conflicts are left to the one that was first: another process brings the same task here. */
const unlessDone = async (change: Promise<unknown>): Promise<boolean> => {
  try {
    await change;
    return true;
  } catch (error) {
    if (error instanceof RequestError && error.code === 'RequestConflict') return false;
    throw error;
  }
};

const requestOf = (definition: Published, times: Parameters<typeof copyOf>[1]): FilledTaskRequest => {
  const request = copyOf(definition, times);
  const mistakes = mistakesIn(createTaskRequest, request);
  if (mistakes.length > 0) throw new RequestError('InputError', mistakes.join('; '));
  return request as FilledTaskRequest;
};

const addArtifact = (
  { artifacts }: Context,
  taskId: string,
  { name, contentType, url, ...artifact }: PublishedArtifact,
  taskExpires: string,
): Promise<unknown> => {
  const expires = new Date(artifact.expires) < new Date(taskExpires) ? artifact.expires : taskExpires;
  const request = { storageType: 'reference', contentType, url, expires } as const;
  return artifacts.createArtifact({ taskId, runId: 0, name, request });
};

const isCompleted = async ({ queue }: Context, taskId: string): Promise<boolean> => {
  const [text] = await queue.readStatuses.all([taskId]);
  return typeof text === 'string' && (JSON.parse(text) as { state: string }).state === 'completed';
};

/** Makes a completed task here of one that is published elsewhere; returns whether it is here then. Safe to repeat. */
const bring = async (
  context: Context,
  reading: UpstreamReading,
  { taskId, expires }: Entry,
): Promise<boolean> => {
  if (await isCompleted(context, taskId)) return true;
  const found = await reading.taskOf(taskId);
  if (!found) return false;
  const { queue, clock } = context;
  const now = clock.now();
  const published = (await reading.artifactsOf(taskId, found.runId)).filter(
    (artifact) => new Date(artifact.expires) > now,
  );
  const request = requestOf(found.definition, { now, expires: new Date(expires) });
  await unlessDone(queue.createTasks.one({ taskId, request, authorize }));
  const run = { taskId, runId: 0 };
  if (await unlessDone(queue.claimRuns.one({ ...run, worker, authorize }))) {
    for (const artifact of published)
      await unlessDone(addArtifact(context, taskId, artifact, request.expires as string));
    await queue.resolveRuns.one({ ...run, end: 'completed' });
  }
  return isCompleted(context, taskId);
};

/** Finds what is published elsewhere, and brings it here. */
class Upstream {
  readonly #context: Context;
  readonly #reading: UpstreamReading;
  /** Paths that nothing was found at, and until when nobody asks again. */
  readonly #missing = new Map<string, Date>();
  /** By task: many have several paths. */
  readonly #underWay = new Map<string, Promise<boolean>>();

  constructor(context: Context, rootUrl: string) {
    this.#context = context;
    this.#reading = new UpstreamReading(rootUrl, context.clock);
  }

  async find(paths: readonly string[]): Promise<string | undefined> {
    try {
      const wanted = [...new Set(paths)].filter((path) => !this.#isMissing(path));
      const entries = wanted.length > 0 ? await this.#reading.entriesAt(wanted) : [];
      const found = new Set(entries.map(({ namespace }) => namespace));
      for (const path of wanted) if (!found.has(path)) this.#noteMissing(path);
      await Promise.all(entries.map((entry) => this.#bringOnce(entry)));
      return undefined;
    } catch (error) {
      if (error instanceof UpstreamTrouble) return error.message;
      throw error;
    }
  }

  async #bringOnce(entry: Entry): Promise<void> {
    const { taskId, namespace: path, rank, data, expires } = entry;
    const bringing =
      this.#underWay.get(taskId) ??
      bring(this.#context, this.#reading, entry).finally(() => this.#underWay.delete(taskId));
    this.#underWay.set(taskId, bringing);
    if (await bringing) await this.#context.index.insertTask({ path, taskId, rank, data, expires });
  }

  #isMissing(path: string): boolean {
    const until = this.#missing.get(path);
    return until !== undefined && this.#context.clock.now() < until;
  }

  #noteMissing(path: string): void {
    this.#missing.delete(path);
    this.#missing.set(path, later(this.#context.clock.now(), missingMs));
    const [oldest] = this.#missing.keys();
    if (oldest !== undefined && this.#missing.size > missingMax) this.#missing.delete(oldest);
  }
}

/** What the index asks when it knows nothing at some paths; undefined where no other deployment is configured. */
export const upstreamVerbs = (context: Context) => {
  const upstream = context.upstreamUrl === undefined ? undefined : new Upstream(context, context.upstreamUrl);
  return {
    /** Brings what is published at these paths here; returns why it could not be asked for, in a sentence. */
    findPublished: upstream && ((paths: readonly string[]) => upstream.find(paths)),
  };
};

export type UpstreamVerbs = ReturnType<typeof upstreamVerbs>;
