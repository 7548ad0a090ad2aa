import type { Rendering } from '@taskyard/taskcluster-yml';
import { type Answer, RequestError, type Transaction, type Verb, type Work } from '../../base/index.ts';
import { type Message, outbox } from '../../events/index.ts';
import { type Authorize, mistakesIn } from '../../http/index.ts';
import { createTaskRequest, createTasksTogether, type FilledTaskRequest } from '../../queue/index.ts';
import type { Context } from '../context.ts';
import { tasksCreated } from '../events.ts';
import { replacedBy } from '../lifecycle.ts';
import { keysOf, keyWithoutName } from '../names.ts';
import * as store from '../store/index.ts';
import type { Occasion } from './occasion.ts';

/** Tasks of a file, and the event that they are made for. */
export interface BuildToCreate {
  readonly delivery: store.TakenDelivery & { readonly installationId: number };
  readonly occasion: Occasion;
  readonly taskGroupId: string;
  readonly rendered: Pick<Rendering, 'tasks' | 'route' | 'autoCancelPreviousChecks'>;
  /** By the authority of the role of this part of the repository. */
  readonly authorize: Authorize;
  /** What is said about the event besides. */
  readonly messages: readonly Message[];
  /** What becomes of the delivery in the same transaction; hooks of the file may still be to come. */
  readonly settlement: store.Settlement;
}

/** A group of tasks that a hook has made for an event. */
export interface HookBuild extends Omit<BuildToCreate, 'authorize' | 'messages' | 'settlement'> {}

/** What the repository of a delivery is called now: it may have been renamed since. */
const namesNow = async (tx: Transaction, { delivery }: HookBuild) => {
  const { organization, repository, repositoryId } = delivery;
  const asSent = { organization, repository, ...keysOf(delivery) };
  const held = repositoryId === null ? undefined : await store.holdRepository(tx, repositoryId);
  if (!held) return asSent;
  if (held.organization === null || held.repository === null)
    return { ...asSent, repositoryKey: keyWithoutName(held.repositoryId) };
  const now = { organization: held.organization, repository: held.repository };
  return { ...now, ...keysOf(now) };
};

const rowOf = async (tx: Transaction, build: HookBuild, now: Date): Promise<store.BuildRow> => ({
  ...(await namesNow(tx, build)),
  ...partOf(build),
  updated: now,
});

const partOf = ({ delivery, occasion, taskGroupId, rendered }: HookBuild) => ({
  taskGroupId,
  repositoryId: delivery.repositoryId,
  sha: occasion.sha,
  branch: occasion.branch,
  pullRequestNumber: occasion.pullRequestNumber,
  eventType: occasion.eventType,
  eventId: delivery.eventId,
  installationId: delivery.installationId,
  reporting: rendered.route,
  state: 'pending' as const,
  // The order of events is that in which they came, whatever kept one of them waiting.
  created: delivery.receivedAt,
  endedAt: null,
});

/** Puts the refusals of tasks into one, so that the author of the file reads all of them. */
const refusalOf = (
  { rendered: { tasks } }: BuildToCreate,
  answers: readonly Answer<unknown>[],
): RequestError | undefined => {
  const lines = answers.flatMap((answer, i) =>
    answer instanceof RequestError
      ? [`task "${tasks[i]?.label}" (line ${tasks[i]?.line}): ${answer.message}`]
      : [],
  );
  return lines.length > 0 ? new RequestError('InputError', lines.join('\n')) : undefined;
};

const requestOf = (task: object): FilledTaskRequest => {
  const request = structuredClone(task);
  // The renderer has checked it by the same schema; this fills in the defaults.
  const mistakes = mistakesIn(createTaskRequest, request);
  if (mistakes.length > 0) throw new RequestError('InputError', mistakes.join('; '));
  return request as FilledTaskRequest;
};

const createTasks = async (
  tx: Transaction,
  build: BuildToCreate,
  { now, context }: Work<Context>,
): Promise<void> => {
  const { rendered, authorize } = build;
  const items = rendered.tasks.map(({ taskId, task }) => ({ taskId, request: requestOf(task), authorize }));
  const answers = await createTasksTogether(tx, items, { now, context: context.queueContext });
  const refusal = refusalOf(build, answers);
  // What was created before it goes with the transaction: half a graph is of no use to anybody.
  if (refusal) throw refusal;
};

/** Cancels what this build replaces; returns the groups. */
const replace = async (
  tx: Transaction,
  build: HookBuild,
  row: store.BuildRow,
  now: Date,
): Promise<string[]> => {
  const { occasion, rendered } = build;
  const isReplacing = rendered.autoCancelPreviousChecks && !occasion.isDefaultBranch;
  const hasSuccessors = occasion.pullRequestNumber !== null || occasion.eventType === 'push';
  if (!isReplacing || !hasSuccessors) return [];
  return store.replaceBuilds(tx, { ...row, eventTypes: replacedBy(occasion.eventType) }, now);
};

/**
 * Creates the tasks of a file, all or none, notes them as a build, cancels what it replaces, and settles the delivery: one
 * transaction, so that a crash leaves nothing half done and a delivery makes its tasks once.
 */
export const createBuilds: Verb<BuildToCreate, undefined, Context> = async (tx, builds, work) => {
  const { now, context } = work;
  for (const build of builds) {
    const settled = await store.settleDeliveries(tx, [build.settlement]);
    if (settled.length === 0) continue;
    const row = await rowOf(tx, build, now);
    await createTasks(tx, build, work);
    await store.insertBuild(tx, row);
    const replaced = await replace(tx, build, row, now);
    const { taskGroupId, delivery, rendered } = build;
    const touched = [taskGroupId, ...replaced].map((id) => ({ kind: 'group' as const, id, taskGroupId: id }));
    await store.touchReports(tx, touched, now);
    const created = tasksCreated({ ...delivery, taskGroupId, route: rendered.route });
    await outbox.append(tx, [...build.messages, created], now);
    tx.afterCommit(() => context.touched.wake());
  }
  return builds.map(() => undefined);
};

/** Notes the group of a task that a hook has created, and cancels what it replaces. Safe to repeat. */
export const noteHookBuilds: Verb<HookBuild, undefined, Context> = async (tx, builds, { now, context }) => {
  for (const build of builds) {
    const { taskGroupId } = build;
    const row = await rowOf(tx, build, now);
    await store.insertBuild(tx, row);
    const groups = [taskGroupId, ...(await replace(tx, build, row, now))];
    const touched = groups.map((id) => ({ kind: 'group' as const, id, taskGroupId: id }));
    await store.touchReports(tx, [...touched, { kind: 'task', id: taskGroupId, taskGroupId }], now);
    tx.afterCommit(() => context.touched.wake());
  }
  return builds.map(() => undefined);
};
