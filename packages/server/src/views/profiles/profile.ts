// What the Firefox Profiler reads: its "processed" format, in the version that the original writes. Tables that hold stacks of
// calls have one row or none, since there are none here.

/** A marker: something that happened at a time, or took some. Times are in milliseconds since the start of the profile. */
export interface Marker {
  readonly name: string;
  readonly start: number;
  /** Null for what has no end: a moment, or with `isOpen` something that goes on. */
  readonly end: number | null;
  readonly isOpen?: boolean;
  /** The index of its category. */
  readonly category: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Texts of a thread, each once, by their places. */
export class Texts {
  readonly list: string[] = [];
  readonly #places = new Map<string, number>();
  place(text: string): number {
    const known = this.#places.get(text);
    if (known !== undefined) return known;
    this.#places.set(text, this.list.length);
    return this.list.push(text) - 1;
  }
}

// What these numbers mean to the profiler.
const [instant, interval, intervalStart] = [0, 1, 2] as const;

const phaseOf = ({ end, isOpen }: Marker): number =>
  end !== null ? interval : isOpen ? intervalStart : instant;

const columnsOf = (markers: readonly Marker[], texts: Texts) => ({
  data: markers.map(({ data }) => data),
  name: markers.map(({ name }) => texts.place(name)),
  startTime: markers.map(({ start }) => start),
  endTime: markers.map(({ end }) => end),
  phase: markers.map(phaseOf),
  category: markers.map(({ category }) => category),
  length: markers.length,
});

const noCalls = {
  samples: { weightType: 'samples', weight: null, stack: [], time: [], length: 0 },
  stackTable: { frame: [0], prefix: [null], category: [0], subcategory: [0], length: 1 },
  frameTable: {
    address: [-1],
    inlineDepth: [0],
    category: [null],
    subcategory: [0],
    func: [0],
    nativeSymbol: [null],
    innerWindowID: [0],
    implementation: [null],
    line: [null],
    column: [null],
    length: 1,
  },
  funcTable: {
    isJS: [false],
    relevantForJS: [false],
    name: [0],
    resource: [-1],
    fileName: [null],
    lineNumber: [null],
    columnNumber: [null],
    length: 1,
  },
  resourceTable: { lib: [], name: [], host: [], type: [], length: 0 },
  nativeSymbols: { libIndex: [], address: [], name: [], functionSize: [], length: 0 },
};

export interface Thread {
  readonly name: string;
  readonly markers: readonly Marker[];
  readonly texts?: Texts;
  /** When it ends; null while it goes on. */
  readonly end: number | null;
}

const threadOf = ({ name, markers, texts = new Texts(), end }: Thread) => ({
  processType: 'default',
  processName: 'Taskcluster',
  processStartupTime: 0,
  processShutdownTime: null,
  registerTime: 0,
  unregisterTime: end,
  pausedRanges: [],
  name,
  isMainThread: true,
  showMarkersInTimeline: true,
  pid: 0,
  tid: 0,
  ...noCalls,
  markers: columnsOf(markers, texts),
  stringArray: texts.list,
});

/** A column of a marker, as it is shown. */
export interface Field {
  readonly key: string;
  readonly label: string;
  readonly format: 'string' | 'integer' | 'url' | 'time' | 'unique-string';
  readonly searchable?: boolean;
}

/** How markers of a type are shown: by the text of one of their fields. */
export const markerSchema = (name: string, label: string, data: readonly Field[]) => ({
  name,
  tooltipLabel: `{marker.data.${label}}`,
  tableLabel: `{marker.data.${label}}`,
  chartLabel: `{marker.data.${label}}`,
  display: ['marker-chart', 'marker-table', 'timeline-overview'],
  data,
});

export const categoriesOf = (colors: Readonly<Record<string, string>>) =>
  Object.entries(colors).map(([name, color]) => ({ name, color, subcategories: ['Other'] }));

interface Profile {
  readonly title: string;
  readonly startMs: number;
  readonly markerSchema: readonly object[];
  readonly categories: readonly object[];
  readonly thread: Thread;
}

/** A profile of one thread. */
export const profileOf = ({ title, startMs, markerSchema: schemas, categories, thread }: Profile) => ({
  meta: {
    interval: 1,
    startTime: startMs,
    processType: 0,
    product: title,
    stackwalk: 0,
    version: 27,
    preprocessedProfileVersion: 47,
    physicalCPUs: 0,
    logicalCPUs: 0,
    symbolicationNotSupported: true,
    usesOnlyOneStackType: true,
    markerSchema: schemas,
    categories,
  },
  libs: [],
  threads: [threadOf(thread)],
  counters: [],
});
