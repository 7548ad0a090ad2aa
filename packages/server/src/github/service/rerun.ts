import { RequestError, transact } from '../../base/index.ts';
import type { RepositoryName } from '../api/index.ts';
import type { Context } from '../context.ts';
import { keysOf, keyWithoutName } from '../names.ts';
import * as store from '../store/index.ts';
import type { Event } from '../webhook/index.ts';

/** A button of GitHub that asks for a check again, or for all checks of a commit. */
export interface Rerun {
  readonly place: RepositoryName;
  readonly event: Extract<Event, { type: 'check_run' | 'check_suite' }>;
}

const authorize = (): void => {};

const wanted = async ({ db }: Context, { place, event }: Rerun): Promise<store.Subject[]> => {
  if (event.type === 'check_run') return store.subjectsOfCheckRun(db, event.payload.check_run.id);
  const sha = event.payload.check_suite.head_sha;
  const { organizationKey, repositoryKey } = keysOf(place);
  const key = place.number === undefined ? repositoryKey : keyWithoutName(place.number);
  const groups = await store.groupsOfCommit(db, { organizationKey, repositoryKey: key, sha });
  return groups.map((taskGroupId) => ({ kind: 'group' as const, id: taskGroupId, taskGroupId }));
};

/** Runs a task once more, or all of a group that went wrong; returns why not, in words. */
const rerunOne = async (
  context: Context,
  { kind, id, taskGroupId }: store.Subject,
): Promise<string | undefined> => {
  try {
    if (kind === 'task') await context.queue.rerunTasks.one({ taskId: id, authorize });
    else {
      const { taskIds } = await context.queue.rerunGroup({ taskGroupId, authorize });
      if (taskIds.length === 0) return undefined;
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return error.message;
  }
};

/**
 * Runs again what somebody asks for by GitHub's buttons: only people who may write to the repository have them. Returns a
 * comment for those who are to hear why not. Safe to repeat: what runs already is left alone.
 */
export const rerun = async (context: Context, asked: Rerun): Promise<string | undefined> => {
  const subjects = await wanted(context, asked);
  if (subjects.length === 0) return 'This check cannot be run again: its tasks are not known here any more.';
  const refusals: string[] = [];
  for (const subject of subjects) {
    const refusal = await rerunOne(context, subject);
    if (refusal !== undefined) refusals.push(refusal);
  }
  const groups = [...new Set(subjects.map(({ taskGroupId }) => taskGroupId))];
  const touched = [
    ...new Map(
      [...subjects, ...groups.map((id) => ({ kind: 'group' as const, id, taskGroupId: id }))].map((each) => [
        `${each.kind} ${each.id}`,
        each,
      ]),
    ).values(),
  ];
  await transact(context, async (tx, now) => {
    if (refusals.length < subjects.length) await store.reopenBuilds(tx, groups, now);
    await store.touchReports(tx, touched, now);
    tx.afterCommit(() => context.touched.wake());
  });
  return refusals.length > 0 ? `This could not be run again. ${refusals.join(' ')}` : undefined;
};
