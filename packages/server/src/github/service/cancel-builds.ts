import { later, minutes, RequestError, transact, type Verb } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { keysOf } from '../names.ts';
import type { BuildList } from '../schema/index.ts';
import * as store from '../store/index.ts';
import { viewOf } from './reads.ts';

/** Builds of a repository that are to be canceled: those of a commit, of a pull request, or of both. */
export interface BuildsToCancel {
  readonly owner: string;
  readonly repo: string;
  readonly sha?: string | undefined;
  readonly pullRequest?: number | undefined;
}

// Longer than it takes to cancel a large group.
const takenMs = minutes(5);

/** Marks builds that have not ended as canceled. Their tasks end right after. */
export const cancelBuilds: Verb<BuildsToCancel, BuildList, Context> = async (
  tx,
  wanted,
  { now, context },
) => {
  const answers: BuildList[] = [];
  for (const { owner, repo, sha, pullRequest: pullRequestNumber } of wanted) {
    const filter = { ...keysOf({ organization: owner, repository: repo }), sha, pullRequestNumber };
    const rows = await store.cancelBuilds(tx, filter, now);
    const groups = rows.map(({ taskGroupId }) => ({ kind: 'group' as const, id: taskGroupId, taskGroupId }));
    if (groups.length > 0) await store.touchReports(tx, groups, now);
    answers.push({ builds: rows.map(viewOf) });
  }
  tx.afterCommit(() => context.touched.wake());
  return answers;
};

const authorize = (): void => {};

/** Ends the tasks of builds that were canceled, at most this many; returns how many builds. Safe to repeat. */
export const cancelTasksOfBuilds = async (context: Context, limit: number): Promise<number> => {
  const { queue, db, log } = context;
  const taskGroupIds = await transact(context, (tx, now) =>
    store.takeCancellations(tx, { now, until: later(now, takenMs), limit }),
  );
  if (taskGroupIds.length === 0) return 0;
  for (const taskGroupId of taskGroupIds) {
    try {
      // A sealed group takes no more tasks: a decision task that is still running makes none that go on.
      await queue.sealGroups.one({ taskGroupId, authorize });
      await queue.cancelGroup({ taskGroupId, authorize });
    } catch (err) {
      if (!(err instanceof RequestError)) throw err;
      log.info({ err, taskGroupId }, 'the tasks of a build cannot be canceled');
    }
  }
  await store.finishCancellations(db, taskGroupIds);
  return taskGroupIds.length;
};

/** Cancels builds for a caller, with their tasks. */
export const cancelNow = async (
  context: Context,
  verb: { one(wanted: BuildsToCancel): Promise<BuildList> },
  wanted: BuildsToCancel,
): Promise<BuildList> => {
  if (wanted.sha === undefined && wanted.pullRequest === undefined)
    throw new RequestError('InvalidRequestArguments', 'Say which builds: give sha, pullRequest, or both.');
  const canceled = await verb.one(wanted);
  if (canceled.builds.length === 0)
    throw new RequestError(
      'ResourceNotFound',
      `No build of ${wanted.owner}/${wanted.repo} that goes on is of those.`,
    );
  // What this leaves undone a loop does.
  await cancelTasksOfBuilds(context, canceled.builds.length);
  return canceled;
};
