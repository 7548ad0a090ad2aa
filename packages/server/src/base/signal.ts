import { randomBytes } from 'node:crypto';
import type { Clock } from './clock.ts';
import type { Database } from './database.ts';

/** A wake-up. All that listen are woken together. Nothing is remembered. */
export interface Signal {
  /** Calls `woken` at each wake-up, until the returned function is called. */
  each(woken: (keys: readonly string[]) => void): () => void;
  /** Wakes callers in this process, and in the others when the signal is shared. */
  wake(keys?: readonly string[]): void;
}

/** A signal within this process. */
export const localSignal = (): Signal => {
  const watching = new Set<(keys: readonly string[]) => void>();
  return {
    each: (woken) => {
      watching.add(woken);
      return () => watching.delete(woken);
    },
    wake: (keys = []) => {
      for (const watcher of watching) watcher(keys);
    },
  };
};

const payloadBytesMax = 7000;
// Wake-ups that follow each other closely share a notification. Other processes are woken at most this much later.
const restMs = 2;

export interface SharedSignalContext {
  readonly channel: string;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/**
 * Signals between all processes of a deployment, by PostgreSQL's notifications on one channel. What is woken while a
 * notification is on its way goes with the next one, so a burst costs few statements, and each process one connection.
 * When the keys do not fit into a payload they are left out, which wakes everything.
 */
export const sharedSignals = async <Name extends string>(
  db: Database,
  names: readonly Name[],
  { channel, clock, onError }: SharedSignalContext,
): Promise<Readonly<Record<Name, Signal>>> => {
  const locals = new Map(names.map((name) => [name, localSignal()]));
  const gathered = new Map<Name, Set<string>>();
  // Our own notifications come back, but have already woken this process.
  const sender = randomBytes(6).toString('hex');
  let sending = false;
  const send = async (): Promise<void> => {
    try {
      while (gathered.size > 0) {
        const payload = payloadOf(sender, gathered);
        gathered.clear();
        await db`select pg_notify(${channel}, ${payload})`;
        await clock.sleep(restMs);
      }
    } catch (error) {
      onError(error);
    } finally {
      sending = false;
    }
  };
  await db.listen(channel, (payload) => {
    const [from, ...lines] = payload.split('\n');
    if (from === sender) return;
    // An empty payload says that notifications were missed.
    const woken = payload === '' ? names.map(String) : lines;
    for (const line of woken) {
      const [name = '', keys] = line.split(' ');
      locals.get(name as Name)?.wake(keys ? keys.split(',') : []);
    }
  });
  const shared = (name: Name, local: Signal): Signal => ({
    ...local,
    wake: (keys = []) => {
      local.wake(keys);
      const all = gathered.get(name) ?? new Set();
      for (const key of keys.length > 0 ? keys : ['']) all.add(key);
      gathered.set(name, all);
      if (sending) return;
      sending = true;
      setImmediate(() => void send());
    },
  });
  return Object.fromEntries([...locals].map(([name, local]) => [name, shared(name, local)])) as Record<
    Name,
    Signal
  >;
};

/** A line for each signal: its name, and after a space the keys. Without keys it wakes everything. */
const payloadOf = (sender: string, gathered: ReadonlyMap<string, ReadonlySet<string>>): string => {
  const whole = [...gathered].map(([name, keys]) => (keys.has('') ? name : `${name} ${[...keys].join(',')}`));
  const payload = [sender, ...whole].join('\n');
  return payload.length <= payloadBytesMax ? payload : [sender, ...gathered.keys()].join('\n');
};
