import { setMaxListeners } from 'node:events';
import { type Clock, hours, later } from '../base/index.ts';
import type { Conditions, Place } from './conditions.ts';
import { type Instance, newId } from './instance.ts';
import type { Reply } from './query-api.ts';

/** What runs on an instance. */
export interface Machine {
  /** Ends it, if it has not ended. */
  end(): Promise<void>;
  /** Resolves when it has ended, for any reason. */
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
  /** Gives an instance the notice of an interruption, and ends it after the time in the notice. */
  interrupt(instance: Instance): void;
  /** Ends all machines, at once. */
  close(): Promise<void>;
}

const rememberMs = hours(1);

export const isAlive = ({ state }: Instance): boolean => state === 'pending' || state === 'running';

interface LifeOptions {
  readonly clock: Clock;
  conditions(): Conditions;
  startMachine(instance: Instance): Machine;
}

class InstanceLife implements Life {
  readonly #instances: CloudState['instances'];
  readonly #options: LifeOptions;
  readonly #machines = new Map<string, Machine>();
  readonly #closing = new AbortController();
  #hosts = 0;

  constructor({ instances }: CloudState, options: LifeOptions) {
    this.#instances = instances;
    this.#options = options;
    // One listener for each instance that starts or ends.
    setMaxListeners(0, this.#closing.signal);
  }

  start(wanted: Parameters<Life['start']>[0]): Instance {
    const { clock, conditions } = this.#options;
    this.#hosts++;
    const hosts = this.#hosts;
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
    this.#instances.set(instance.id, instance);
    this.#after(conditions().bootMs, () => this.#boot(instance));
    return instance;
  }

  terminate(instance: Instance, reason: Parameters<Life['terminate']>[1]): void {
    const { clock, conditions } = this.#options;
    if (!isAlive(instance) || this.#closing.signal.aborted) return;
    instance.state = 'shutting-down';
    instance.stateReason = reason;
    void this.#machines.get(instance.id)?.end();
    this.#after(conditions().shutdownMs, () => {
      instance.state = 'terminated';
      instance.endedAt = clock.now();
      this.#machines.delete(instance.id);
      this.#after(rememberMs, () => this.#instances.delete(instance.id));
    });
  }

  interrupt(instance: Instance): void {
    const { clock, conditions } = this.#options;
    const { noticeMs } = conditions();
    instance.interruptedAt = later(clock.now(), noticeMs);
    const message = 'Server.SpotInstanceTermination: Spot instance termination';
    this.#after(noticeMs, () =>
      this.terminate(instance, { code: 'Server.SpotInstanceTermination', message }),
    );
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#machines.values()].map((machine) => machine.end()));
  }

  #boot(instance: Instance): void {
    const { conditions, startMachine } = this.#options;
    if (instance.state !== 'pending') return;
    instance.state = 'running';
    if (!conditions().works(instance.id)) return;
    const machine = startMachine(instance);
    this.#machines.set(instance.id, machine);
    void machine.ended.then(() => {
      const message = 'Client.InstanceInitiatedShutdown: Instance initiated shutdown';
      this.terminate(instance, { code: 'Client.InstanceInitiatedShutdown', message });
    });
  }

  /** Calls the function after a time, unless the cloud is closed first. */
  #after(ms: number, act: () => void): void {
    const { signal } = this.#closing;
    const cancel = this.#options.clock.after(ms, () => {
      signal.removeEventListener('abort', cancel);
      act();
    });
    signal.addEventListener('abort', cancel, { once: true });
  }
}

/** Starts and ends the instances of a cloud, each in its time. */
export const createLife = (state: CloudState, options: LifeOptions): Life => new InstanceLife(state, options);
