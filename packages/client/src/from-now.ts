const second = 1000;
const day = 24 * 3600 * second;

// A month counts 30 days and a year 365, as in Taskcluster's own date expressions.
const units: readonly (readonly [names: RegExp, milliseconds: number])[] = [
  [/^(years?|y)$/, 365 * day],
  [/^(months?|mo)$/, 30 * day],
  [/^(weeks?|w)$/, 7 * day],
  [/^(days?|d)$/, day],
  [/^(hours?|h)$/, 3600 * second],
  [/^(minutes?|min|m)$/, 60 * second],
  [/^(seconds?|sec|s)$/, second],
];

const unitMilliseconds = (name: string): number => {
  const unit = units.find(([names]) => names.test(name));
  if (!unit) throw new Error(`"${name}" is not a unit of time.`);
  return unit[1];
};

const form = /^\s*([+-]?)\s*((?:\d+\s*[a-z]+\s*)*)$/;

/** Milliseconds of a period such as "1 day 3 hours", "30s" or "-2 weeks". */
export const periodMilliseconds = (period: string): number => {
  const parts = form.exec(period);
  if (!parts) throw new Error(`"${period}" is not a period of time: write it like "1 day 3 hours".`);
  const sign = parts[1] === '-' ? -1 : 1;
  let total = 0;
  for (const [, amount, unit] of (parts[2] ?? '').matchAll(/(\d+)\s*([a-z]+)/g)) {
    total += Number(amount) * unitMilliseconds(unit ?? '');
  }
  return sign * total;
};

/** The date that is this period after now, or after another date. */
export const fromNow = (period: string, reference: Date = new Date()): Date =>
  new Date(reference.getTime() + periodMilliseconds(period));
