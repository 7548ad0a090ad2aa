import { setMaxListeners } from 'node:events';
import { type Clock, hours, later } from '../base/index.ts';
import type { Conditions, Place } from './conditions.ts';
import { type Instance, newId } from './instance.ts';
import type { Reply } from './query-api.ts';

/** What runs on an instance. */
export interface Machine {
  /** Ends it, if it has not ended. */
  end(): Promise<void>;
  /** Resolves when it has ended, by itself or not. */
  readonly ended: Promise<void>;
}

/** A launch template, as far as it is used. */
export interface Template {
  readonly id: string;
  readonly region: string;
  readonly name: string;
  readonly imageId: string | undefined;
  readonly userData: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
}

/** An answer to a call with a token, which the same call gets again. */
export interface Remembered {
  readonly call: string;
  readonly reply: Record<string, Reply>;
}

/** Everything there is in the cloud. */
export interface CloudState {
  readonly instances: Map<string, Instance>;
  /** By region and name. */
  readonly templates: Map<string, Template>;
  readonly answers: Map<string, Remembered>;
}

export interface NewInstance {
  readonly place: Place;
  readonly imageId: string;
  readonly userData: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
  readonly clientToken: string;
  readonly reservationId: string;
}

/** How instances come and go. */
export interface Life {
  start(wanted: NewInstance): Instance;
  terminate(instance: Instance, reason: { code: string; message: string }): void;
  /** Says that an instance is taken back, and takes it back when the time has come. */
  interrupt(instance: Instance): void;
  /** Ends all machines, at once. */
  close(): Promise<void>;
}

const rememberMs = hours(1);

export const isAlive = ({ state }: Instance): boolean => state === 'pending' || state === 'running';

export const createLife = (
  { instances }: CloudState,
  {
    clock,
    conditions,
    startMachine,
  }: { clock: Clock; conditions(): Conditions; startMachine(instance: Instance): Machine },
): Life => {
  const machines = new Map<string, Machine>();
  const closing = new AbortController();
  // One for each instance that comes or goes.
  setMaxListeners(0, closing.signal);
  const after = (ms: number, act: () => void): void => {
    const cancel = clock.after(ms, () => {
      closing.signal.removeEventListener('abort', cancel);
      act();
    });
    closing.signal.addEventListener('abort', cancel, { once: true });
  };
  const boot = (instance: Instance): void => {
    if (instance.state !== 'pending') return;
    instance.state = 'running';
    if (!conditions().works(instance.id)) return;
    const machine = startMachine(instance);
    machines.set(instance.id, machine);
    void machine.ended.then(() => {
      const message = 'Client.InstanceInitiatedShutdown: Instance initiated shutdown';
      terminate(instance, { code: 'Client.InstanceInitiatedShutdown', message });
    });
  };
  const terminate: Life['terminate'] = (instance, reason) => {
    if (!isAlive(instance) || closing.signal.aborted) return;
    instance.state = 'shutting-down';
    instance.stateReason = reason;
    void machines.get(instance.id)?.end();
    after(conditions().shutdownMs, () => {
      instance.state = 'terminated';
      instance.endedAt = clock.now();
      machines.delete(instance.id);
      after(rememberMs, () => instances.delete(instance.id));
    });
  };
  let hosts = 0;
  return {
    start: (wanted) => {
      hosts++;
      const instance: Instance = {
        ...wanted,
        id: newId('i'),
        privateIp: `10.${(hosts >> 16) & 255}.${(hosts >> 8) & 255}.${hosts & 255}`,
        launchTime: clock.now(),
        tags: new Map(wanted.tags),
        state: 'pending',
        stateReason: undefined,
        endedAt: undefined,
        interruptedAt: undefined,
        isRebalanceRecommended: false,
      };
      instances.set(instance.id, instance);
      after(conditions().bootMs, () => boot(instance));
      return instance;
    },
    terminate,
    interrupt: (instance) => {
      const { noticeMs } = conditions();
      instance.interruptedAt = later(clock.now(), noticeMs);
      const message = 'Server.SpotInstanceTermination: Spot instance termination';
      after(noticeMs, () => terminate(instance, { code: 'Server.SpotInstanceTermination', message }));
    },
    close: async () => {
      closing.abort();
      await Promise.all([...machines.values()].map((machine) => machine.end()));
    },
  };
};
