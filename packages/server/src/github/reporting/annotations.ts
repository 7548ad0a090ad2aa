import { cutTo, plain } from '../texts.ts';

// By GitHub's description of check runs: bytes of a message or of details, characters of a title. How many are sent is ours.
const [messageBytesMax, titleBytesMax, annotationsMax] = [64_000, 250, 500];

/** What a task wants to be shown at lines of files, as far as GitHub takes it. */
export interface Annotations {
  readonly shown: readonly object[];
  /** What is not shown, and why: for the text of the check. */
  readonly remark: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const levels = ['notice', 'warning', 'failure'];
const isLine = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

/** What GitHub requires of an annotation. */
const requirements: readonly [field: string, isGood: (value: unknown) => boolean, wanted: string][] = [
  ['path', isText, 'the path of a file'],
  ['start_line', isLine, 'a number'],
  ['end_line', isLine, 'a number'],
  ['annotation_level', (value) => levels.includes(String(value)), levels.join(', ')],
  ['message', isText, 'a text'],
];

/** Why GitHub would refuse it; undefined where it would not. */
const refusalOf = (annotation: Fields): string | undefined => {
  const missed = requirements.find(([field, isGood]) => !isGood(annotation[field]));
  return missed && `its ${missed[0]} is not ${missed[2]}`;
};

/** As GitHub takes it: texts within their limits, and columns only where one line is meant. */
const fitting = (annotation: Fields): Fields => {
  const { path, start_line, end_line, annotation_level, message, title, raw_details: details } = annotation;
  const columns =
    start_line === end_line
      ? ['start_column', 'end_column'].filter((field) => isLine(annotation[field]))
      : [];
  return {
    ...{ path, start_line, end_line, annotation_level },
    message: cutTo(plain(String(message)), messageBytesMax),
    ...(isText(title) && { title: cutTo(plain(String(title)), titleBytesMax, '…') }),
    ...(isText(details) && { raw_details: cutTo(plain(String(details)), messageBytesMax) }),
    ...Object.fromEntries(columns.map((field) => [field, annotation[field]])),
  };
};

const listIn = (text: string): unknown[] | undefined => {
  try {
    const list = JSON.parse(text) as unknown;
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
};

/** Reads the annotations of a task in the artifact of this name. One that GitHub would refuse does not take the others with it. */
export const annotationsIn = (text: string | undefined, name: string): Annotations => {
  if (text === undefined) return { shown: [], remark: undefined };
  const list = listIn(text);
  if (!list) return { shown: [], remark: `\`${name}\` holds no list in JSON, so it has no annotations.` };
  const all = list.map((each) => (typeof each === 'object' && each !== null ? (each as Fields) : {}));
  const refusals = all.map(refusalOf);
  const good = all.filter((_, i) => refusals[i] === undefined).map(fitting);
  const first = refusals.findIndex((refusal) => refusal !== undefined);
  const remarks = [
    ...(first < 0
      ? []
      : [
          `${all.length - good.length} of ${all.length} cannot be shown: of number ${first + 1}, ${refusals[first]}.`,
        ]),
    ...(good.length > annotationsMax ? [`Only the first ${annotationsMax} are shown.`] : []),
  ];
  return {
    shown: good.slice(0, annotationsMax),
    remark: remarks.length > 0 ? `Annotations in \`${name}\`: ${remarks.join(' ')}` : undefined,
  };
};
