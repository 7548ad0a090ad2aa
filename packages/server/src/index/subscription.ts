import type { Transaction } from '../base/index.ts';
import type { Message, Subscription } from '../events/index.ts';
import type { Context } from './context.ts';
import { entriesOf } from './lifecycle.ts';
import { insertEntries } from './service.ts';

const bindings = [
  { exchange: 'exchange/taskcluster-queue/v1/task-completed', routingKeyPattern: 'route.index.#' },
];

interface Completion {
  readonly status: { readonly taskId: string; readonly expires: string };
}

/** Puts completed tasks into the index, where their routes ask for it. */
const indexTasks = async (
  tx: Transaction,
  messages: readonly Message[],
  { readDefinitions, log, clock }: Context,
): Promise<void> => {
  const taskIds = messages.map(({ body }) => (body as Completion).status.taskId);
  const definitions = await readDefinitions(tx, taskIds);
  const entries = messages.flatMap(({ routes, body }, i) => {
    const { taskId, expires } = (body as Completion).status;
    const definition = definitions[i];
    // A task that has expired meanwhile is not indexed.
    if (typeof definition !== 'string') return [];
    const { extra } = JSON.parse(definition) as { extra?: { index?: unknown } };
    const { entries: wanted, mistakes } = entriesOf({ taskId, routes, expires, wish: extra?.index });
    if (mistakes.length > 0) log.info({ taskId, mistakes }, 'a task cannot be indexed as it asks for');
    return wanted;
  });
  await insertEntries(tx, entries, clock.now());
};

/** Listens to the queue for tasks that complete. */
export const taskSubscription = (context: Context): Subscription => ({
  name: 'index',
  bindings: () => bindings,
  handle: (tx, messages) => indexTasks(tx, messages, context),
});
