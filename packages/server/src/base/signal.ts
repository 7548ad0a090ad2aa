import type { Database } from './database.ts';

/** A wake-up: those who wait for the next one are woken together. Nothing is remembered. */
export interface Signal {
  /** Resolves at the next wake-up. */
  next(): Promise<void>;
  /** Called at each wake-up until the answer is called. */
  each(woken: (keys: readonly string[]) => void): () => void;
  /** Wakes those of this process, and those of the others when the signal is shared. */
  wake(keys?: readonly string[]): void;
}

/** A signal within this process. */
export const localSignal = (): Signal => {
  let waiting: (() => void)[] = [];
  const watching = new Set<(keys: readonly string[]) => void>();
  return {
    next: () => new Promise((resolve) => waiting.push(resolve)),
    each: (woken) => {
      watching.add(woken);
      return () => watching.delete(woken);
    },
    wake: (keys = []) => {
      const woken = waiting;
      waiting = [];
      for (const resolve of woken) resolve();
      for (const watcher of watching) watcher(keys);
    },
  };
};

const payloadBytesMax = 7000;

/**
 * A signal between all processes of a deployment, by PostgreSQL's notifications. Keys are gathered while one
 * notification is on its way, so a burst costs one statement; past the size of a payload the keys are left out, which
 * wakes everybody.
 */
export const sharedSignal = async (
  db: Database,
  { channel, onError }: { channel: string; onError: (error: unknown) => void },
): Promise<Signal> => {
  const local = localSignal();
  const gathered = new Set<string>();
  let sending = false;
  const send = async (): Promise<void> => {
    while (gathered.size > 0) {
      const text = [...gathered].join(',');
      gathered.clear();
      await db`select pg_notify(${channel}, ${text.length > payloadBytesMax ? '' : text})`;
    }
  };
  await db.listen(channel, (payload) => local.wake(payload === '' ? [] : payload.split(',')));
  return {
    ...local,
    wake: (keys = []) => {
      local.wake(keys);
      for (const key of keys.length > 0 ? keys : ['']) gathered.add(key);
      if (sending) return;
      sending = true;
      setImmediate(() =>
        send()
          .catch(onError)
          .finally(() => {
            sending = false;
          }),
      );
    },
  };
};
