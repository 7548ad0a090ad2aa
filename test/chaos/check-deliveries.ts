import type { Steps } from '../support/task-steps.ts';
import type { Delivered } from './deliveries.ts';
import type { Entry } from './history.ts';

/** The messages that acknowledged calls of one task must have caused. */
const promisedBy = (entries: readonly Entry[]): string[] =>
  entries
    .filter(({ outcome }) => outcome === 'acknowledged')
    .flatMap(({ verb, runId, says }) => {
      if (verb === 'create') return ['defined -'];
      if (verb === 'claim') return [`running ${runId}`];
      return verb === 'report' ? [`${says} ${runId}`] : [];
    });

/** What is wrong with what one listener was told of a task. */
export const checkDelivery = (
  taskId: string,
  entries: readonly Entry[],
  { published, delivered }: { published: Steps; delivered: Pick<Delivered, 'name' | 'steps'> },
): string[] => {
  const { name, steps } = delivered;
  const told = steps.get(taskId) ?? [];
  const missing = promisedBy(entries)
    .filter((step) => !told.includes(step))
    .map((step) => `${name} has no message "${step}", which was acknowledged`);
  const expected = (published.get(taskId) ?? []).join(', ');
  const isSame = told.join(', ') === expected;
  return isSame ? missing : [...missing, `${name} told ${told.join(', ')}; published were ${expected}`];
};
