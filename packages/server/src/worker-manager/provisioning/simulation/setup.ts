import { type Static, Type } from 'typebox';
import { anyObject, exactly, mistakesIn } from '../../../http/index.ts';
import { ownChoice, ownScaling } from '../../schema/index.ts';
import { readScaling, type Scaling } from '../scaling.ts';
import { TraceError } from './trace.ts';

const { Optional } = Type;
const positive = (description: string) => Optional(Type.Number({ exclusiveMinimum: 0, description }));
const notNegative = (description: string) => Optional(Type.Number({ minimum: 0, description }));

const Machine = exactly({
  usdPerHour: notNegative('What an instance costs, unless the market says.'),
  bootP50Seconds: positive('From the request to the registration, in half of all cases.'),
  bootP95Seconds: positive('The same in 95 of 100 cases.'),
  interruptionsPerHour: notNegative('How often an instance is taken away, unless the market says.'),
  instancesMax: Optional(Type.Integer({ minimum: 0, description: 'How many there may be.' })),
});

const Choice = exactly(ownChoice);

const Setup = exactly({
  config: exactly({
    ...ownScaling,
    launchConfigs: Type.Array(
      // Whatever else a launch config says is its provider's.
      anyObject({
        additionalProperties: true,
        properties: { workerManager: Choice, workerConfig: anyObject() },
      }),
      { minItems: 1 },
    ),
  }),
  simulation: Optional(
    exactly({
      startsAt: Optional(
        Type.String({ format: 'date-time', description: 'The time at the start of the trace.' }),
      ),
      roundSeconds: positive('How often the pool is decided about.'),
      idleTimeoutSeconds: positive('After so long without a task a worker asks whether it should go.'),
      billedSecondsMin: notNegative('What is paid for an instance at least.'),
      machines: Optional(Type.Record(Type.String(), Machine)),
    }),
  ),
});
const setupSchema = { service: 'worker-manager', name: 'simulated-pool', schema: Setup };

/** A kind of worker, and the machines that it runs on. */
export interface SimulatedLaunchConfig extends Static<typeof Choice> {
  readonly launchConfigId: string;
  readonly capacityPerInstance: number;
  readonly initialWeight: number;
  readonly usdPerHour: number;
  readonly bootP50Ms: number;
  readonly bootP95Ms: number;
  readonly interruptionsPerHour: number;
  readonly instancesMax: number;
}

/** A pool, and the world around it. */
export interface Setup {
  readonly scaling: Scaling;
  readonly launchConfigs: readonly SimulatedLaunchConfig[];
  readonly startsAtMs: number;
  readonly roundMs: number;
  readonly idleTimeoutMs: number;
  readonly billedMsMin: number;
}

/** Reads `{config, simulation}`: the config of a pool, and a description of its machines. */
export const readSetup = (document: unknown): Setup => {
  const mistakes = mistakesIn(setupSchema, document);
  if (mistakes.length > 0) throw new TraceError(`The pool cannot be read: ${mistakes.join('; ')}.`);
  const { config, simulation = {} } = document as Static<typeof Setup>;
  const { machines = {}, startsAt = '2026-01-05T00:00:00Z' } = simulation;
  const launchConfigs = config.launchConfigs.map((each, i) => {
    const choice = (each.workerManager ?? {}) as Static<typeof Choice>;
    const launchConfigId = choice.launchConfigId ?? `launch-config-${i + 1}`;
    const machine = machines[launchConfigId] ?? {};
    return {
      ...choice,
      launchConfigId,
      capacityPerInstance: choice.capacityPerInstance ?? 1,
      initialWeight: choice.initialWeight ?? 1,
      usdPerHour: machine.usdPerHour ?? 0.1,
      bootP50Ms: 1000 * (machine.bootP50Seconds ?? 75),
      bootP95Ms: 1000 * (machine.bootP95Seconds ?? 150),
      interruptionsPerHour: machine.interruptionsPerHour ?? 0,
      instancesMax: machine.instancesMax ?? Number.POSITIVE_INFINITY,
    };
  });
  const unknown = Object.keys(machines).filter((id) => !launchConfigs.some((c) => c.launchConfigId === id));
  if (unknown.length > 0) throw new TraceError(`No launch config is called ${unknown.join(', ')}.`);
  return {
    scaling: readPatterns(config),
    launchConfigs,
    startsAtMs: Date.parse(startsAt),
    roundMs: 1000 * (simulation.roundSeconds ?? 10),
    idleTimeoutMs: 1000 * (simulation.idleTimeoutSeconds ?? 300),
    billedMsMin: 1000 * (simulation.billedSecondsMin ?? 60),
  };
};

const readPatterns = (config: Static<typeof Setup>['config']): Scaling => {
  try {
    return readScaling(config as Parameters<typeof readScaling>[0]);
  } catch (error) {
    throw new TraceError(`The schedule of the pool cannot be read: ${(error as Error).message}`);
  }
};
