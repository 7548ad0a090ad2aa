import { Queue, readArtifactText } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { brokenInvariants } from '../support/invariants.ts';
import { ask } from '../support/postgres.ts';
import { publishedSteps, type Steps } from '../support/task-steps.ts';
import { artifactName, artifactText } from './callers.ts';
import { checkDelivery } from './check-deliveries.ts';
import { checkTask, type Ending } from './check-history.ts';
import type { Delivered } from './deliveries.ts';
import type { Fleet } from './fleet.ts';
import type { History } from './history.ts';

/** What does not hold after a run. */
export interface Findings {
  /** Of single tasks, by their ids. */
  readonly ofTasks: ReadonlyMap<string, readonly string[]>;
  readonly others: readonly string[];
  /** What was looked at. */
  readonly counts: Readonly<Record<string, number>>;
}

const endingsIn = async (url: string): Promise<Map<string, Ending>> => {
  const rows = await ask<{ taskId: string; states: string[] }>(
    url,
    `select task_id as "taskId", array(select run->>'state' from json_array_elements(runs::json) as run) as states
       from task_status`,
  );
  return new Map(rows.map(({ taskId, states }) => [taskId, states]));
};

const messagesIn = (steps: Steps): number => [...steps.values()].reduce((sum, { length }) => sum + length, 0);

/** Waits for the last messages, and ends the listeners. */
const untilDelivered = async (listeners: readonly Delivered[], count: number): Promise<string[]> => {
  const arrive = async (listener: Delivered): Promise<string[]> => {
    const isComplete = () => listener.count >= count || listener.problems.length > 0;
    const late = await eventually(`the messages of ${listener.name}`, isComplete).then(
      () => [],
      (error: Error) => [error.message],
    );
    await listener.end();
    return [...late, ...listener.problems.map((problem) => `${listener.name}: ${problem}`)];
  };
  return (await Promise.all(listeners.map(arrive))).flat();
};

interface Uploaded {
  readonly taskId: string;
  readonly runId: number;
}

const uploadsIn = (history: History): Uploaded[] =>
  [...history.taskIds].flatMap((taskId) =>
    history
      .of(taskId)
      .filter(({ verb, outcome }) => verb === 'upload' && outcome === 'acknowledged')
      .map(({ runId = 0 }) => ({ taskId, runId })),
  );

/** Reads all artifacts whose upload was acknowledged, at both addresses in turn. */
const lostArtifacts = async (
  { addresses }: Fleet,
  uploads: readonly Uploaded[],
): Promise<[string, string][]> => {
  const lost: [string, string][] = [];
  const queues = addresses.map((address) => new Queue(address));
  const left = [...uploads];
  const read = async (queue: Queue): Promise<void> => {
    for (let next = left.pop(); next; next = left.pop()) {
      const { taskId, runId } = next;
      const text = await readArtifactText(queue, { taskId, runId, name: artifactName }).catch(
        (error: Error) => error.message,
      );
      if (text !== artifactText(taskId, runId))
        lost.push([taskId, `the artifact of run ${runId} is lost: ${text.slice(0, 200)}`]);
    }
  };
  await Promise.all([...queues, ...queues].map(read));
  return lost;
};

/** Compares what callers and listeners were told with each other, and with the database, when all tasks have ended. */
export const verify = async (
  fleet: Fleet,
  history: History,
  listeners: readonly Delivered[],
): Promise<Findings> => {
  const url = await fleet.databaseUrl();
  const published = await publishedSteps(url);
  const messages = messagesIn(published);
  const undelivered = await untilDelivered(listeners, messages);
  const endings = await endingsIn(url);
  const broken = await brokenInvariants(url, { acknowledged: history.created });
  const uploads = uploadsIn(history);
  const ofTasks = new Map<string, string[]>();
  const add = (taskId: string, problems: readonly string[]): void => {
    if (problems.length > 0) ofTasks.set(taskId, [...(ofTasks.get(taskId) ?? []), ...problems]);
  };
  for (const taskId of new Set([...history.taskIds, ...endings.keys()])) {
    const entries = history.of(taskId);
    const { wrongClocks } = history;
    add(taskId, checkTask(entries, { wrongClocks, ending: endings.get(taskId) }));
    for (const delivered of listeners) add(taskId, checkDelivery(taskId, entries, { published, delivered }));
  }
  for (const [taskId, problem] of await lostArtifacts(fleet, uploads)) add(taskId, [problem]);
  return {
    ofTasks,
    others: [...undelivered, ...broken],
    counts: { tasks: endings.size, messages, artifacts: uploads.length, ...history.counts },
  };
};
