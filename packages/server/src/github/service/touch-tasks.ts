import type { Transaction } from '../../base/index.ts';
import type { Message } from '../../events/index.ts';
import type { Context } from '../context.ts';
import * as store from '../store/index.ts';

interface TaskMessage {
  readonly status: { readonly taskId: string; readonly taskGroupId: string; readonly state: string };
  readonly runId?: number;
}

/** What a build is follows from its group's end, and from tasks that go wrong or begin once more before it. */
const changesBuild = ({ exchange }: Message, { runId = 0 }: TaskMessage): boolean =>
  /task-(failed|exception)$/.test(exchange) || (exchange.endsWith('task-pending') && runId > 0);

const touch = async (
  { clock, touched }: Context,
  tx: Transaction,
  subjects: readonly store.Subject[],
): Promise<void> => {
  const distinct = new Map(subjects.map((subject) => [`${subject.kind} ${subject.id}`, subject]));
  if (distinct.size === 0) return;
  const count = await store.touchReports(tx, [...distinct.values()], clock.now());
  if (count > 0) tx.afterCommit(() => touched.wake());
};

/** Notes that something became of tasks. Those of no build of ours, though their routes say so, are left out. */
export const touchTasks = (context: Context, tx: Transaction, messages: readonly Message[]): Promise<void> =>
  touch(
    context,
    tx,
    messages.flatMap((message): store.Subject[] => {
      const body = message.body as unknown as TaskMessage;
      const { taskId, taskGroupId } = body.status;
      const ofTask = { kind: 'task', id: taskId, taskGroupId } as const;
      return changesBuild(message, body)
        ? [ofTask, { kind: 'group', id: taskGroupId, taskGroupId }]
        : [ofTask];
    }),
  );

/** Notes that all tasks of groups have ended. */
export const touchGroups = (context: Context, tx: Transaction, messages: readonly Message[]): Promise<void> =>
  touch(
    context,
    tx,
    messages.map(({ body }) => {
      const { taskGroupId } = body as { taskGroupId: string };
      return { kind: 'group', id: taskGroupId, taskGroupId };
    }),
  );
