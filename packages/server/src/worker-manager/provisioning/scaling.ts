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

/**
 * More capacity than this counts as this: schemas allow any number, as the original's do, and a pool that wants more than can
 * be counted must not keep others from theirs.
 */
export const capacityMax = 1_000_000;

const bounded = (capacity: number): number => Math.min(capacity, capacityMax);

/** Reads a config that its schema has accepted; throws when a pattern of its schedule is none, see {@link mistakeInSchedule}. */
export const readScaling = ({
  minCapacity,
  maxCapacity,
  scalingRatio = 1,
  provisioning = {},
}: ScalingConfig) => {
  const { aimedPendingSeconds, scaleIn, warm = [], priceSensitivity = 0 } = provisioning;
  return {
    minCapacity: bounded(minCapacity),
    maxCapacity: bounded(maxCapacity),
    scalingRatio,
    aimedPendingMs: aimedPendingSeconds === undefined ? undefined : 1000 * aimedPendingSeconds,
    scaleIn: scaleIn && {
      idleMs: 1000 * (scaleIn.idleSeconds ?? 60),
      billingPeriodMs: 1000 * (scaleIn.billingPeriodSeconds ?? 1),
      hasPacking: scaleIn.packing ?? false,
    },
    warm: warm.map(({ capacity, start, seconds, timezone = 'UTC' }) => ({
      capacity: bounded(capacity),
      start: cronOf(start, timezone),
      lastsMs: 1000 * seconds,
    })),
    priceSensitivity,
  } satisfies Scaling;
};

/**
 * Lists of times are taken as fixed, like a single one: what a time zone leaves out in spring begins when the gap is over,
 * and what it has twice in autumn begins once.
 */
const cronOf = (start: string, timezone: string): Cron =>
  new Cron(start, { timezone, fixedTimeRule: 'no-wildcard' });

/** What is wrong with the schedule of a pool, by the field of its config; undefined when nothing is. */
export const mistakeInSchedule = ({ warm = [] }: Provisioning): string | undefined => {
  for (const [i, window] of warm.entries()) {
    const mistake = mistakeInWindow(window);
    if (mistake !== undefined) return `config.provisioning.warm[${i}].${mistake}`;
  }
  return undefined;
};

const mistakeInWindow = ({
  start,
  timezone = 'UTC',
}: NonNullable<Provisioning['warm']>[number]): string | undefined => {
  try {
    // The library takes an empty name for the zone of this process, and others it tries at their first use.
    if (timezone === '') throw new Error('It is empty');
    cronOf('* * * * *', timezone).nextRun();
  } catch {
    return `timezone is not the name of a time zone, like Europe/Berlin: ${timezone}`;
  }
  try {
    // From the beginning of time: a year that is over is no mistake.
    return cronOf(start, timezone).nextRun(new Date(0)) === null
      ? `start names a time that never comes: ${start}`
      : undefined;
  } catch (error) {
    return `start cannot be read: ${(error as Error).message}`;
  }
};

/** The same pool as the original would provision it. */
export const withoutOptions = ({ minCapacity, maxCapacity, scalingRatio }: Scaling): Scaling =>
  readScaling({ minCapacity, maxCapacity, scalingRatio });

const isOpen = ({ start, lastsMs }: WarmWindow, nowMs: number): boolean => {
  // A window that began within the last `lastsMs` is still open. The end of a window does not belong to it.
  const latest = start.nextRun(new Date(nowMs - lastsMs));
  return latest !== null && latest.getTime() <= nowMs;
};

/** When a warm window next begins or ends: infinite when none ever does. */
export const nextWarmChangeMs = ({ warm }: Scaling, nowMs: number): number =>
  Math.min(
    Number.POSITIVE_INFINITY,
    ...warm.flatMap(({ start, lastsMs }) => {
      const next = start.nextRun(new Date(nowMs))?.getTime();
      // The first start within the last `lastsMs` is the first to end.
      const latest = start.nextRun(new Date(nowMs - lastsMs))?.getTime();
      const ends = latest !== undefined && latest <= nowMs ? [latest + lastsMs] : [];
      return next === undefined ? ends : [next, ...ends];
    }),
  );

/** The least capacity that a pool is to have now: that of its config, or more in a warm window; never above its most. */
export const floorOf = (scaling: Scaling, nowMs: number): Floor => {
  const warm = Math.max(
    0,
    ...scaling.warm.filter((window) => isOpen(window, nowMs)).map(({ capacity }) => capacity),
  );
  const capacity = Math.min(scaling.maxCapacity, Math.max(scaling.minCapacity, warm));
  return { capacity, isWarm: warm > scaling.minCapacity };
};
