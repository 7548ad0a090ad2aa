/** A kind of field of a cron pattern: its name, its bounds, and the names of some of its values. */
export interface FieldKind {
  readonly title: string;
  readonly min: number;
  readonly max: number;
  /** Three letters each, from `min` on. */
  readonly names?: readonly string[];
  /** What `L` behind a value or alone means here. */
  readonly last?: 'alone' | 'behind a value';
}

/** What a field of a pattern names. */
export interface Field {
  /** Written as `*` or `?`: it restricts nothing. A step, or a range over everything, does restrict. */
  readonly isFree: boolean;
  readonly values: ReadonlySet<number>;
  /** The last of its kind in a month: the values written with an `L`, or 0 for the `L` alone. */
  readonly lasts: ReadonlySet<number>;
}

/** The fields of a pattern in their order, with the bounds of cron; a weekday of 7 is Sunday, like 0. */
export const fieldKinds = {
  second: { title: 'second', min: 0, max: 59 },
  minute: { title: 'minute', min: 0, max: 59 },
  hour: { title: 'hour', min: 0, max: 23 },
  day: { title: 'day of the month', min: 1, max: 31, last: 'alone' },
  month: {
    title: 'month',
    min: 1,
    max: 12,
    names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  weekday: {
    title: 'day of the week',
    min: 0,
    max: 7,
    names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
    last: 'behind a value',
  },
} as const satisfies Readonly<Record<string, FieldKind>>;

const wrong = (kind: FieldKind, text: string, why: string): never => {
  throw new Error(`the ${kind.title} '${text}' ${why}.`);
};

/** A number or a name, within the bounds of its field. */
const valueIn = (text: string, kind: FieldKind): number => {
  const place = kind.names?.indexOf(text.toLowerCase()) ?? -1;
  if (place >= 0) return kind.min + place;
  if (!/^\d+$/.test(text)) wrong(kind, text, 'is neither a number nor a name');
  const value = Number(text);
  if (value < kind.min || value > kind.max) wrong(kind, text, `is not from ${kind.min} to ${kind.max}`);
  return value;
};

const stepIn = (text: string | undefined, kind: FieldKind): number => {
  if (text === undefined) return 1;
  if (!/^\d+$/.test(text) || Number(text) === 0) wrong(kind, `/${text}`, 'is not a step');
  return Number(text);
};

/** The values of one element of a list: a value, a range or everything, each with or without a step. */
const valuesIn = (element: string, kind: FieldKind): number[] => {
  const [range = '', step, ...more] = element.split('/');
  if (more.length > 0) wrong(kind, element, 'has two steps');
  const [first = '', last, ...others] = range.split('-');
  if (others.length > 0) wrong(kind, element, 'is a range of three');
  const isAll = range === '*' || range === '?';
  const from = isAll ? kind.min : valueIn(first, kind);
  // `5/10` means from 5 on.
  const alone = step === undefined ? from : kind.max;
  const to = isAll ? kind.max : last === undefined ? alone : valueIn(last, kind);
  if (from > to) wrong(kind, element, 'is a range that wraps');
  const by = stepIn(step, kind);
  const values = Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, i) => from + i * by);
  const isRange = isAll || last !== undefined || step !== undefined;
  // To cron-parser a range up to the second Sunday contains the first one, whatever its step.
  return isRange && isWeekday(kind) && to === kind.max && from > 0 ? [0, ...values] : values;
};

const isWeekday = ({ max }: FieldKind): boolean => max === 7;

/** The value behind which an `L` is written, 0 for one that is alone; undefined where there is none. */
const lastIn = (element: string, kind: FieldKind): number | undefined => {
  if (kind.last === undefined || !element.endsWith('L')) return undefined;
  const before = element.slice(0, -1);
  if (kind.last === 'alone') return before === '' ? 0 : wrong(kind, element, "has something before its 'L'");
  return before === '' ? wrong(kind, element, 'does not say of which weekday') : valueIn(before, kind) % 7;
};

/** Reads one field. Throws an Error that says what is wrong with it. */
export const fieldIn = (text: string, kind: FieldKind): Field => {
  const values: number[] = [];
  const lasts: number[] = [];
  for (const element of text.split(',')) {
    const last = lastIn(element, kind);
    if (last === undefined) values.push(...valuesIn(element, kind));
    else lasts.push(last);
  }
  for (const named of [values, lasts]) {
    const repeated = named.find((value, i) => named.indexOf(value) !== i);
    if (repeated !== undefined) wrong(kind, text, `names ${repeated} twice`);
  }
  return {
    isFree: text === '*' || text === '?',
    values: new Set(isWeekday(kind) ? values.map((value) => value % 7) : values),
    lasts: new Set(lasts),
  };
};
