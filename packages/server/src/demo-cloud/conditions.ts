/** Where an instance may be, what it is, and how it is paid for. */
export interface Place {
  readonly region: string;
  readonly zone: string;
  readonly instanceType: string;
  readonly purchase: 'spot' | 'on-demand';
}

/** How the cloud behaves. A test or the demo sets this, and may change it at any time. */
export interface Conditions {
  /** From the order for an instance to the start of its machine. */
  readonly bootMs: number;
  /** From the order to end an instance to its end. */
  readonly shutdownMs: number;
  /** Between the notice of an interruption and the end. */
  readonly noticeMs: number;
  /** From the order to the first answer that shows the instance. */
  readonly unseenMs: number;
  /** From the order to the first answer that has its private address. */
  readonly unaddressedMs: number;
  /** How many instances there can be at most in a place. */
  capacityOf(place: Place): number;
  /** Whether to refuse the call because there were too many. */
  isThrottled(action: string): boolean;
  /** Whether a machine starts at all once the instance has booted; without it nothing registers. */
  works(instanceId: string): boolean;
  usdPerHour(place: Omit<Place, 'region'>, at: Date): number;
}

/** What a type costs on demand: it doubles from `large` to `xlarge` and on. */
const onDemandUsd = (instanceType: string): number => {
  const [, size = ''] = instanceType.split('.');
  const times = Number(/^(\d+)xlarge$/.exec(size)?.[1] ?? (size === 'xlarge' ? 1 : 0.5));
  return 0.2 * times;
};

/** A number from 0 up to 1 that depends on the text alone. */
const shareOf = (text: string): number => {
  let sum = 7;
  for (const letter of text) sum = (sum * 31 + letter.charCodeAt(0)) % 9973;
  return sum / 9973;
};

/** Spot prices differ by zone, and swing with the hours of the day. */
const standardPrice: Conditions['usdPerHour'] = ({ instanceType, zone, purchase }, at) => {
  const full = onDemandUsd(instanceType);
  if (purchase === 'on-demand') return full;
  const hour = at.getUTCHours() + 24 * shareOf(`${instanceType}/${zone}`);
  return full * (0.35 + 0.1 * Math.sin((hour / 24) * 2 * Math.PI));
};

/** A friendly cloud. */
export const fairConditions: Conditions = {
  bootMs: 3000,
  shutdownMs: 2000,
  noticeMs: 120_000,
  unseenMs: 0,
  unaddressedMs: 0,
  capacityOf: () => Number.POSITIVE_INFINITY,
  isThrottled: () => false,
  works: () => true,
  usdPerHour: standardPrice,
};
