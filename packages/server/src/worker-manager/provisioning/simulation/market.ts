import type { LaunchConfigFacts } from '../facts.ts';
import type { SimulatedLaunchConfig } from './setup.ts';
import type { MarketChange } from './trace.ts';

const bootsKept = 200;
const hourMs = 3_600_000;

/** The market of one launch config: what its workers cost, and what was observed of them. */
export interface Place {
  readonly config: SimulatedLaunchConfig;
  instancesMax: number;
  interruptionsPerHour: number;
  /** How many instances there are. */
  instances: number;
  change(to: MarketChange, nowMs: number): void;
  /** What one instance has cost since the start of the simulation. */
  usdUntil(nowMs: number): number;
  usdPerHour(): number;
  booted(ms: number): void;
  failed(nowMs: number): void;
  interrupted(): void;
  ran(ms: number): void;
  facts(nowMs: number): LaunchConfigFacts;
}

/** The market of one launch config; it tells the facts that the server would know. */
export const openPlace = (config: SimulatedLaunchConfig, startsAtMs: number): Place => {
  let { usdPerHour } = config;
  let [paidUsd, changedAtMs, interruptions, ranMs] = [0, startsAtMs, 0, 0];
  const boots: number[] = [];
  let boot: LaunchConfigFacts['boot'];
  let errorsAtMs: number[] = [];
  const usdUntil = (nowMs: number) => paidUsd + (usdPerHour * (nowMs - changedAtMs)) / hourMs;
  const bootTimes = (): LaunchConfigFacts['boot'] => {
    if (boot || boots.length === 0) return boot;
    const sorted = [...boots].sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    boot = { p50Ms: at(0.5), p95Ms: at(0.95) };
    return boot;
  };
  const place: Place = {
    config,
    instancesMax: config.instancesMax,
    interruptionsPerHour: config.interruptionsPerHour,
    instances: 0,
    change: (to, nowMs) => {
      paidUsd = usdUntil(nowMs);
      changedAtMs = nowMs;
      usdPerHour = to.usdPerHour;
      place.instancesMax = to.instancesMax;
      place.interruptionsPerHour = to.interruptionsPerHour;
    },
    usdUntil,
    usdPerHour: () => usdPerHour,
    booted: (ms) => {
      boots.push(ms);
      if (boots.length > bootsKept) boots.shift();
      boot = undefined;
    },
    failed: (nowMs) => void errorsAtMs.push(nowMs),
    interrupted: () => {
      interruptions += 1;
    },
    ran: (ms) => {
      ranMs += ms;
    },
    facts: (nowMs) => {
      if (errorsAtMs.length > 0) errorsAtMs = errorsAtMs.filter((atMs) => nowMs - atMs < hourMs);
      return {
        ...config,
        errorsLately: errorsAtMs.length,
        boot: bootTimes(),
        usdPerHour,
        interruptionsPerHour: ranMs > 0 ? interruptions / Math.max(1, ranMs / hourMs) : undefined,
      };
    },
  };
  return place;
};
