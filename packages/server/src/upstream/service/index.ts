import {
  type Answer,
  alone,
  type Batched,
  bindVerbs,
  later,
  minutes,
  RequestError,
} from '../../base/index.ts';
import { mistakesIn } from '../../http/index.ts';
import { createTaskRequest, type FilledTaskRequest } from '../../queue/index.ts';
import type { Context } from '../context.ts';
import { Lanes } from '../lanes.ts';
import { copyOf, isCopy, isWithin, type Published } from '../lifecycle.ts';
import { type Entry, UpstreamReading, UpstreamRefusal, UpstreamTrouble } from '../reading.ts';
import { keepTasks, type TaskToKeep } from './keep-tasks.ts';

// How long a path is not looked for again: where nothing was found, and where a task was.
const [missingMs, knownMs, pathsMax] = [minutes(1), minutes(5), 10_000];
const broughtAtOnce = 8;

/** A path of the index that somebody looks for, and the task that is there on this side. */
export interface Looked {
  readonly path: string;
  readonly taskId?: string | undefined;
}

const requestOf = (definition: Published, times: Parameters<typeof copyOf>[1]): FilledTaskRequest => {
  const request = copyOf(definition, times);
  const mistakes = mistakesIn(createTaskRequest, request);
  if (mistakes.length > 0) throw new RequestError('InputError', mistakes.join('; '));
  return request as FilledTaskRequest;
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
  /** By path: several callers often look for the same at once. */
  readonly #asked = new Map<string, Promise<string | undefined>>();
  readonly #keep: Batched<TaskToKeep, undefined>['one'];
  readonly #lanes = new Lanes(broughtAtOnce);

  constructor(context: Context, rootUrl: string) {
    this.#context = context;
    this.#reading = new UpstreamReading(rootUrl, context.clock);
    this.#keep = bindVerbs(context, { keepTasks: alone(keepTasks) }).keepTasks.one;
  }

  /** Looks for what is not here, and for newer tasks than those that were brought here. */
  async find(looked: readonly Looked[]): Promise<Found> {
    const paths = await this.#worthAsking(looked);
    const unasked = paths.filter((path) => !this.#asked.has(path) && !this.#findingOf(path));
    if (unasked.length > 0) this.#begin(unasked);
    const answers = await Promise.all(new Set(paths.map((path) => this.#asked.get(path))));
    const trouble = answers.find((answer) => answer !== undefined);
    const why = looked.map(({ path }) => this.#findingOf(path)?.why).find((each) => each !== undefined);
    return { isAsked: paths.length > 0, trouble: trouble ?? why };
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

  #begin(paths: readonly string[]): void {
    const asking = this.#ask(paths).finally(() => {
      for (const path of paths) this.#asked.delete(path);
    });
    for (const path of paths) this.#asked.set(path, asking);
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
      this.#underWay.get(taskId) ?? this.#bring(entry).finally(() => this.#underWay.delete(taskId));
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

  /** Makes a completed task here of one that is published elsewhere; returns whether it is here then. Safe to repeat. */
  async #bring({ taskId, expires }: Entry): Promise<boolean> {
    const context = this.#context;
    if (await isCompleted(context, taskId)) return true;
    const found = await this.#reading.taskOf(taskId);
    if (!found) return false;
    const now = context.clock.now();
    const artifacts = (await this.#reading.artifactsOf(taskId, found.runId)).filter(
      (artifact) => new Date(artifact.expires) > now,
    );
    const request = requestOf(found.definition, { now, expires: new Date(expires) });
    await this.#keep({ taskId, request, artifacts });
    return isCompleted(context, taskId);
  }

  #findingOf(path: string): Finding | undefined {
    const finding = this.#findings.get(path);
    return finding && isWithin(finding.until, this.#context.clock.now(), knownMs) ? finding : undefined;
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
