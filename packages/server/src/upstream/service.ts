import { type Answer, later, minutes, RequestError } from '../base/index.ts';
import { mistakesIn } from '../http/index.ts';
import { createTaskRequest, type FilledTaskRequest } from '../queue/index.ts';
import type { Context } from './context.ts';
import { Lanes } from './lanes.ts';
import { copyOf, isCopy, type Published, worker } from './lifecycle.ts';
import {
  type Entry,
  type PublishedArtifact,
  UpstreamReading,
  UpstreamRefusal,
  UpstreamTrouble,
} from './reading.ts';

// How long a path is not looked for again: where nothing was found, and where a task was.
const [missingMs, knownMs, pathsMax] = [minutes(1), minutes(5), 10_000];
const [broughtAtOnce, artifactsAtOnce] = [8, 100];

/** A path of the index that somebody looks for, and the task that is there on this side. */
export interface Looked {
  readonly path: string;
  readonly taskId?: string | undefined;
}

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

interface Standing {
  readonly state: string;
  readonly taskQueueId: string;
}

const standingIn = (answer: Answer<string> | undefined): Standing | undefined =>
  typeof answer === 'string' ? (JSON.parse(answer) as Standing) : undefined;

const isCompleted = async ({ queue }: Context, taskId: string): Promise<boolean> => {
  const [answer] = await queue.readStatuses.all([taskId]);
  return standingIn(answer)?.state === 'completed';
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
    // Those that are added at the same time share a transaction.
    for (let at = 0; at < published.length; at += artifactsAtOnce)
      await Promise.all(
        published
          .slice(at, at + artifactsAtOnce)
          .map((artifact) => unlessDone(addArtifact(context, taskId, artifact, request.expires as string))),
      );
    await queue.resolveRuns.one({ ...run, end: 'completed' });
  }
  return isCompleted(context, taskId);
};

/** What was found out about a path, and until when the other deployment is not asked for it again. */
interface Finding {
  readonly until: Date;
  /** Why it cannot be brought here, in a sentence; undefined where it was, or there is nothing. */
  readonly why: string | undefined;
}

interface Found {
  /** The other side was asked: something else than before may be at the paths. */
  readonly isAsked: boolean;
  readonly trouble: string | undefined;
}

/** Finds what is published elsewhere, and brings it here. */
class Upstream {
  readonly #context: Context;
  readonly #reading: UpstreamReading;
  readonly #findings = new Map<string, Finding>();
  /** By task: many have several paths. */
  readonly #underWay = new Map<string, Promise<boolean>>();
  readonly #lanes = new Lanes(broughtAtOnce);

  constructor(context: Context, rootUrl: string) {
    this.#context = context;
    this.#reading = new UpstreamReading(rootUrl, context.clock);
  }

  /** Looks for what is not here, and for newer tasks than those that were brought here. */
  async find(looked: readonly Looked[]): Promise<Found> {
    const paths = await this.#worthAsking(looked);
    const isAsked = paths.length > 0;
    const trouble = isAsked ? await this.#ask(paths) : undefined;
    const why = looked.map(({ path }) => this.#findingOf(path)?.why).find((each) => each !== undefined);
    return { isAsked, trouble: trouble ?? why };
  }

  /** The paths that were not asked for lately, without those where a task of this side is. */
  async #worthAsking(looked: readonly Looked[]): Promise<string[]> {
    const fresh = looked.filter(({ path }) => !this.#findingOf(path));
    const taskIds = [...new Set(fresh.flatMap(({ taskId }) => taskId ?? []))];
    const answers = taskIds.length > 0 ? await this.#context.queue.readStatuses.all(taskIds) : [];
    const copies = new Set(taskIds.filter((_, i) => isCopy(standingIn(answers[i]))));
    const wanted = fresh.filter(({ taskId }) => taskId === undefined || copies.has(taskId));
    return [...new Set(wanted.map(({ path }) => path))];
  }

  async #ask(paths: readonly string[]): Promise<string | undefined> {
    try {
      const entries = await this.#reading.entriesAt(paths);
      const found = new Set(entries.map(({ namespace }) => namespace));
      for (const path of paths) if (!found.has(path)) this.#note(path, missingMs);
      await Promise.all(entries.map((entry) => this.#lanes.run(() => this.#take(entry))));
      return undefined;
    } catch (error) {
      if (error instanceof UpstreamRefusal)
        for (const path of paths) this.#note(path, missingMs, error.message);
      if (error instanceof UpstreamTrouble) return error.message;
      throw error;
    }
  }

  /** Puts the task of an entry into the index of this side; what keeps it from being here concerns no other entry. */
  async #take(entry: Entry): Promise<void> {
    const { taskId, namespace: path, rank, data, expires } = entry;
    const bringing =
      this.#underWay.get(taskId) ??
      bring(this.#context, this.#reading, entry).finally(() => this.#underWay.delete(taskId));
    this.#underWay.set(taskId, bringing);
    try {
      if (!(await bringing)) return this.#note(path, missingMs);
      await this.#context.index.insertTask({ path, taskId, rank, data, expires });
      this.#note(path, knownMs);
    } catch (error) {
      if (error instanceof UpstreamRefusal) return this.#note(path, missingMs, error.message);
      if (!(error instanceof RequestError)) throw error;
      const why = `The task ${taskId} that is published there cannot be kept here: ${error.message}`;
      this.#note(path, missingMs, why);
    }
  }

  #findingOf(path: string): Finding | undefined {
    const finding = this.#findings.get(path);
    return finding && this.#context.clock.now() < finding.until ? finding : undefined;
  }

  #note(path: string, forMs: number, why?: string): void {
    this.#findings.delete(path);
    this.#findings.set(path, { until: later(this.#context.clock.now(), forMs), why });
    const [oldest] = this.#findings.keys();
    if (oldest !== undefined && this.#findings.size > pathsMax) this.#findings.delete(oldest);
  }
}

/** What the index asks when it knows nothing at some paths; undefined where no other deployment is configured. */
export const upstreamVerbs = (context: Context) => {
  const upstream = context.upstreamUrl === undefined ? undefined : new Upstream(context, context.upstreamUrl);
  return {
    /**
     * Brings what is published at these paths here, and what has taken the place of what was brought; says whether it was
     * asked for, and in a sentence why it could not be.
     */
    findPublished: upstream && ((looked: readonly Looked[]) => upstream.find(looked)),
  };
};

export type UpstreamVerbs = ReturnType<typeof upstreamVerbs>;
