import { Auth, Hooks, Queue, slugid } from '@taskyard/client';
import type { ChannelModel } from 'amqplib';
import type { Platform } from './platform.ts';

export const clientsOf = ({ rootUrl, credentials }: Platform) => ({
  auth: new Auth({ rootUrl, credentials }),
  hooks: new Hooks({ rootUrl, credentials }),
  queue: new Queue({ rootUrl, credentials }),
});
export type Clients = ReturnType<typeof clientsOf>;

/** Creates a hook that is bound to an exchange, and creates a task by each message, whose name is in the message. */
export const aHook = async (
  { auth, hooks }: Clients,
  exchange: string,
  routingKeyPattern = '#',
): Promise<string> => {
  const hookId = slugid();
  const scopes = ['queue:create-task:*', 'queue:scheduler-id:*'];
  await auth.createRole(`hook-id:group/${hookId}`, { description: '', scopes });
  await hooks.createHook('group', hookId, {
    metadata: { name: 'bound', description: '', owner: 'nobody@example.com', emailOnError: false },
    bindings: [{ exchange, routingKeyPattern }],
    triggerSchema: { type: 'object', additionalProperties: true },
    task: {
      taskQueueId: 'example/hooks',
      metadata: {
        name: { $eval: "'said ' + payload.word" },
        description: '',
        owner: 'nobody@example.com',
        source: 'https://example.com/',
      },
      payload: {},
    },
  } as unknown as Parameters<Hooks['createHook']>[2]);
  return hookId;
};

/** The names of the tasks that a hook has created, in alphabetical order: several may have been created at once. */
export const tasksOf = async ({ hooks, queue }: Clients, hookId: string): Promise<string[]> => {
  const fires = await hooks.listLastFires('group', hookId).then(
    ({ lastFires }) => lastFires,
    () => [],
  );
  const tasks = await Promise.all(
    fires.filter(({ result }) => result === 'success').map(({ taskId }) => queue.task(taskId)),
  );
  return tasks.map(({ metadata }) => metadata.name).sort();
};

/** Why exchanges that a hook is bound to cannot be listened to. */
export const errorsOf = async ({ hooks }: Clients, hookId: string): Promise<string[]> => {
  const { bindings } = await hooks.hookBindings('group', hookId);
  return bindings.flatMap(({ error }) => (error === undefined ? [] : [error]));
};

/** Publishes words that hooks may be bound to, and waits until the broker has them. Rejects when it refuses one. */
export const say = async (
  connection: ChannelModel,
  exchange: string,
  words: readonly string[],
): Promise<void> => {
  const channel = await connection.createConfirmChannel();
  for (const word of words) {
    channel.publish(exchange, `talk.${word}`, Buffer.from(JSON.stringify({ word })), { persistent: true });
  }
  await channel.waitForConfirms().finally(() => channel.close());
};
