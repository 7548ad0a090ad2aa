import { ApiError, Queue, slugid, UploadError, uploadArtifact } from '@taskyard/client';
import { eventually, patienceMs, pause } from '@taskyard/patience';
import { type Address, aDiamond, aLoadTask, type End, ends, report, taskQueueId } from '../support/load.ts';
import { type Entry, type History, now, type Verb } from './history.ts';

/** What an attempt is about, before its end is known. */
interface About {
  readonly verb: Verb;
  readonly taskIds: readonly string[];
  readonly runId?: number;
}

/** What a reply tells the history. */
type Told = Partial<Pick<Entry, 'says' | 'runs' | 'takenUntil'>>;

interface Status {
  readonly state: string;
  readonly runs: readonly { readonly state: string }[];
}
const told = ({ status }: { readonly status: Status }): Told => ({
  says: status.state,
  runs: status.runs.length,
});
/** Of a run that was reported. When the report is a repetition, a later run may be under way or over. */
const toldOf =
  (runId: number) =>
  ({ status }: { readonly status: Status }): Told => ({
    says: status.runs[runId]?.state ?? 'not there',
    runs: status.runs.length,
  });

interface Claim {
  readonly status: Status & { readonly taskId: string };
  readonly runId: number;
  readonly takenUntil: string;
  readonly task: { readonly payload: unknown };
}

/** What a task of this load asks its worker for. */
interface Payload {
  readonly end: End;
  readonly artifact?: boolean;
}

/** A caller has a name and an address. When no answer comes from there, it calls the next address. */
interface Caller {
  readonly name: string;
  at: number;
}

export const creators = 4;
const workers = 3;
const readers = 2;
/** Between two calls of those who create, and of those who read. */
const paceMs = 80;
/** Each eighth round of a creator makes a diamond, each fifth an artifact. */
const [diamondEach, artifactEach] = [8, 5];

export const artifactName = 'public/result.txt';
/** The content of the artifact of a run. */
export const artifactText = (taskId: string, runId: number): string => `${taskId} ${runId}\n`.repeat(40);

const refusalOf = (error: unknown): number | undefined =>
  (error instanceof ApiError || error instanceof UploadError) && error.statusCode < 500
    ? error.statusCode
    : undefined;

/** Those who create tasks, work on them and look at them, all the time; each call is noted, and repeated until it is answered. */
export class Callers {
  readonly #history: History;
  readonly #queues: readonly Queue[];
  readonly #resolved = new Set<string>();
  readonly #over = new AbortController();
  /** Resolves when all tasks are resolved; rejects when a caller cannot go on. */
  readonly done: Promise<void>;
  #isCreating = true;

  constructor(addresses: readonly Address[], history: History) {
    this.#history = history;
    this.#queues = addresses.map(
      (address) => new Queue({ ...address, retries: 0, timeoutMs: patienceMs / 4 }),
    );
    const crew = (role: string, count: number, work: (caller: Caller) => Promise<void>) =>
      Array.from({ length: count }, (_, i) => work({ name: `${role} ${i + 1}`, at: i }));
    const creating = Promise.all(crew('creator', creators, (caller) => this.#create(caller))).then(() =>
      this.#endWhenResolved(),
    );
    const others = [
      ...crew('worker', workers, (caller) => this.#work(caller)),
      ...crew('reader', readers, (caller) => this.#read(caller)),
    ];
    this.done = Promise.all([creating, ...others]).then(
      () => {},
      (error) => {
        this.#over.abort();
        throw error;
      },
    );
    // Awaited at the end, and looked at in each wait before.
    this.done.catch(() => {});
  }

  /** No more tasks are created; `done` waits for the end of those that are there. */
  finish(): void {
    this.#isCreating = false;
  }

  /** Whether somebody has given up. */
  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Repeats a call until it is answered, and notes each attempt. A refusal is thrown. */
  async #insist<T>(
    caller: Caller,
    about: About,
    call: (queue: Queue) => Promise<T>,
    tell: (answer: T) => Told,
  ): Promise<T> {
    const note = (sent: number, rest: Pick<Entry, 'outcome' | 'says'> & Partial<Entry>): void => {
      const { taskIds, ...what } = about;
      this.#history.add(taskIds, { caller: caller.name, ...what, sent, ended: now(), ...rest });
    };
    const attempt = async (): Promise<{ answer?: T; error?: unknown }> => {
      const sent = now();
      try {
        const answer = await call(this.#queues[caller.at % this.#queues.length] as Queue);
        note(sent, { outcome: 'acknowledged', says: '', ...tell(answer) });
        return { answer };
      } catch (error) {
        this.#over.signal.throwIfAborted();
        const status = refusalOf(error);
        const [says = ''] = (error as Error).message.split('\n');
        note(sent, { says, outcome: status ? 'refused' : 'unknown', ...(status ? { status } : {}) });
        if (status) throw error;
        caller.at++;
        return { error };
      }
    };
    const { answer } = await eventually(`an answer to ${caller.name}`, attempt, (seen) => !seen.error);
    return answer as T;
  }

  async #create(caller: Caller): Promise<void> {
    for (let round = 0; this.#isCreating && !this.isOver; round++) {
      await pause(paceMs);
      if (round % diamondEach === 0) {
        const tasks = aDiamond();
        const taskIds = tasks.map(({ taskId }) => taskId);
        const groupId = slugid();
        const create = (queue: Queue) => queue.createTaskGroupTasks(groupId, { tasks });
        await this.#insist(caller, { verb: 'create', taskIds }, create, () => ({}));
      } else {
        const taskId = slugid();
        const hasArtifact = round % artifactEach === 0;
        const end = hasArtifact ? 'completed' : (ends[round % ends.length] as End);
        const payload: Payload = { end, artifact: hasArtifact };
        const task = aLoadTask(end, { payload });
        const create = (queue: Queue) => queue.createTask(taskId, task);
        await this.#insist(caller, { verb: 'create', taskIds: [taskId] }, create, told);
      }
    }
  }

  async #perform(caller: Caller, { status: { taskId }, runId, task }: Claim): Promise<void> {
    const { end, artifact } = task.payload as Payload;
    const about = (verb: Verb): About => ({ verb, taskIds: [taskId], runId });
    const expires = new Date(now() + 86_400_000);
    const bytes = Buffer.from(artifactText(taskId, runId));
    const upload = { taskId, runId, expires, contentType: 'text/plain', content: { bytes } };
    try {
      if (end === 'reclaimed') {
        const reclaim = (queue: Queue) => queue.reclaimTask(taskId, runId);
        await this.#insist(caller, about('reclaim'), reclaim, (reply) => ({
          ...told(reply),
          takenUntil: Date.parse(reply.takenUntil),
        }));
      }
      if (artifact) {
        const send = (queue: Queue) => uploadArtifact(queue, { ...upload, name: artifactName });
        await this.#insist(caller, about('upload'), send, () => ({}));
      }
      const { status } = await this.#insist(
        caller,
        about('report'),
        report(taskId, runId, end),
        toldOf(runId),
      );
      if (status.state === 'completed' || status.state === 'failed') this.#resolved.add(taskId);
    } catch (error) {
      // Another worker may have the run by now. Whether that is so, the checks of the history say.
      if (refusalOf(error) === undefined) throw error;
    }
  }

  async #work(caller: Caller): Promise<void> {
    const { signal } = this.#over;
    const wanted = { workerGroup: 'chaos', workerId: caller.name.replace(' ', '-'), tasks: 4 };
    while (!signal.aborted) {
      const sent = now();
      const claim = (queue: Queue) => queue.claimWork(taskQueueId, wanted, { signal });
      const { tasks } = await this.#insist(caller, { verb: 'claim', taskIds: [] }, claim, () => ({})).catch(
        (error) => {
          if (signal.aborted) return { tasks: [] };
          throw error;
        },
      );
      for (const { status, runId, takenUntil } of tasks)
        this.#history.add([status.taskId], {
          caller: caller.name,
          verb: 'claim',
          sent,
          ended: now(),
          outcome: 'acknowledged',
          says: status.state,
          runId,
          takenUntil: Date.parse(takenUntil),
        });
      await Promise.all(tasks.map((task) => this.#perform(caller, task))).catch((error) => {
        // All tasks are resolved: of one of these only the reply was lost, and it is not asked for again.
        if (!signal.aborted) throw error;
      });
    }
  }

  /** Asks about one task after the other, the latest first, as long as there are calls. */
  async #read(caller: Caller): Promise<void> {
    const { created } = this.#history;
    for (let round = 1; !this.isOver; round++) {
      await pause(paceMs);
      const taskId = created.at(-1 - ((round * 7) % 40));
      if (taskId === undefined) continue;
      const about: About = { verb: 'read', taskIds: [taskId] };
      await this.#insist(caller, about, (queue) => queue.status(taskId), told).catch((error) => {
        if (!this.isOver && refusalOf(error) === undefined) throw error;
      });
    }
  }

  async #endWhenResolved(): Promise<void> {
    const left = () => this.#history.created.length - this.#resolved.size;
    try {
      await eventually('all tasks to be resolved', left, (count) => count === 0 || this.isOver);
    } finally {
      this.#over.abort();
    }
  }
}
