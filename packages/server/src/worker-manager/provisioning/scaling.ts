import { Cron } from 'croner';
import type { Provisioning } from '../schema/index.ts';

/** The settings of a pool for growing and shrinking, with their defaults. */
export interface Scaling {
  readonly minCapacity: number;
  readonly maxCapacity: number;
  readonly scalingRatio: number;
  readonly aimedPendingMs?: number | undefined;
  readonly scaleIn?: ScaleIn | undefined;
  readonly warm: readonly WarmWindow[];
  readonly priceSensitivity: number;
}

export interface ScaleIn {
  readonly idleMs: number;
  readonly billingPeriodMs: number;
  readonly hasPacking: boolean;
}

export interface WarmWindow {
  readonly capacity: number;
  readonly start: Cron;
  readonly lastsMs: number;
}

/** The part of a pool's config that is read here. */
export interface ScalingConfig {
  readonly minCapacity: number;
  readonly maxCapacity: number;
  readonly scalingRatio?: number;
  readonly provisioning?: Provisioning;
}

/** The least capacity of a pool at some time, and whether a warm window raises it. */
export interface Floor {
  readonly capacity: number;
  readonly isWarm: boolean;
}

/** Reads a config that its schema has accepted; throws when a pattern of its schedule is none. */
export const readScaling = ({
  minCapacity,
  maxCapacity,
  scalingRatio = 1,
  provisioning = {},
}: ScalingConfig) => {
  const { aimedPendingSeconds, scaleIn, warm = [], priceSensitivity = 0 } = provisioning;
  return {
    minCapacity,
    maxCapacity,
    scalingRatio,
    aimedPendingMs: aimedPendingSeconds === undefined ? undefined : 1000 * aimedPendingSeconds,
    scaleIn: scaleIn && {
      idleMs: 1000 * (scaleIn.idleSeconds ?? 60),
      billingPeriodMs: 1000 * (scaleIn.billingPeriodSeconds ?? 1),
      hasPacking: scaleIn.packing ?? false,
    },
    warm: warm.map(({ capacity, start, seconds, timezone = 'UTC' }) => ({
      capacity,
      start: new Cron(start, { timezone }),
      lastsMs: 1000 * seconds,
    })),
    priceSensitivity,
  } satisfies Scaling;
};

/** The same pool as the original would provision it. */
export const withoutOptions = ({ minCapacity, maxCapacity, scalingRatio }: Scaling): Scaling =>
  readScaling({ minCapacity, maxCapacity, scalingRatio });

const isOpen = ({ start, lastsMs }: WarmWindow, nowMs: number): boolean => {
  // A window that began within the last `lastsMs` is still open. The end of a window does not belong to it.
  const latest = start.nextRun(new Date(nowMs - lastsMs));
  return latest !== null && latest.getTime() <= nowMs;
};

/** The least capacity that a pool is to have now: that of its config, or more in a warm window; never above its most. */
export const floorOf = (scaling: Scaling, nowMs: number): Floor => {
  const warm = Math.max(
    0,
    ...scaling.warm.filter((window) => isOpen(window, nowMs)).map(({ capacity }) => capacity),
  );
  const capacity = Math.min(scaling.maxCapacity, Math.max(scaling.minCapacity, warm));
  return { capacity, isWarm: warm > scaling.minCapacity };
};
