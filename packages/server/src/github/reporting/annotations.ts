import type { Annotation } from '../api/index.ts';
import { cutTo, plain } from '../texts.ts';
import { artifactBytesMax } from './artifacts.ts';

// By GitHub's description of check runs: bytes of a message or of details, characters of a title. How many are sent is ours.
const [messageBytesMax, titleBytesMax, annotationsMax] = [64_000, 250, 500];
// Of a path no system has more.
const pathBytesMax = 4096;

/** What a task wants to be shown at lines of files, as far as GitHub takes it. */
export interface Annotations {
  readonly shown: readonly Annotation[];
  /** What is not shown, and why: for the text of the check. */
  readonly remark: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const levels = ['notice', 'warning', 'failure'];
const isLine = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;
const isText = (value: unknown): boolean => typeof value === 'string' && value.trim() !== '';

/** What GitHub requires of an annotation. */
const requirements: readonly [
  field: string,
  isGood: (value: unknown, of: Fields) => boolean,
  wanted: string,
][] = [
  ['path', isText, 'the path of a file'],
  ['start_line', isLine, 'a number'],
  ['end_line', isLine, 'a number'],
  [
    'end_line',
    (value, { start_line: start }) => (value as number) >= (start as number),
    'at or after its start_line',
  ],
  ['annotation_level', (value) => levels.includes(String(value)), levels.join(', ')],
  ['message', isText, 'a text'],
];

/** Why GitHub would refuse it; undefined where it would not. */
const refusalOf = (annotation: Fields): string | undefined => {
  const missed = requirements.find(([field, isGood]) => !isGood(annotation[field], annotation));
  return missed && `its ${missed[0]} is not ${missed[2]}`;
};

/** A text that people can read, within its limit; what is no text is left for the check. */
const readable = (value: unknown, bytesMax: number, sign?: string): unknown =>
  typeof value === 'string' ? cutTo(plain(value), bytesMax, sign) : value;

const columnsOf = ({ start_line, end_line, start_column: start, end_column: end }: Fields): Fields => {
  if (start_line !== end_line) return {};
  if (isLine(start) && isLine(end) && (end as number) < (start as number)) return {};
  return { ...(isLine(start) && { start_column: start }), ...(isLine(end) && { end_column: end }) };
};

/** As GitHub takes it: texts within their limits, and columns only where one line is meant. */
const fitting = (given: Fields): Fields => {
  const { path, start_line, end_line, annotation_level } = given;
  const title = readable(given.title, titleBytesMax, '…');
  const details = readable(given.raw_details, messageBytesMax);
  return {
    ...{ path: readable(path, pathBytesMax, ''), start_line, end_line, annotation_level },
    message: readable(given.message, messageBytesMax),
    ...(isText(title) && { title }),
    ...(isText(details) && { raw_details: details }),
    ...columnsOf(given),
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
  if (!list && Buffer.byteLength(text) > artifactBytesMax)
    return { shown: [], remark: `\`${name}\` is longer than 1 MiB, so its annotations are not read.` };
  if (!list) return { shown: [], remark: `\`${name}\` holds no list in JSON, so it has no annotations.` };
  // What is left of a text of colors alone may be none: so they are checked as they would be sent.
  const all = list.map((each) => fitting(typeof each === 'object' && each !== null ? (each as Fields) : {}));
  const refusals = all.map(refusalOf);
  const good = all.filter((_, i) => refusals[i] === undefined) as unknown as Annotation[];
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
