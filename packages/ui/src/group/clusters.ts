import { countStates, type Line, waitsForItself } from './lines.ts';

/** One box of a graph: a task, or several alike. */
export interface Cluster {
  readonly id: string;
  readonly label: string;
  readonly lines: readonly Line[];
  readonly counts: Readonly<Record<string, number>>;
  /** One of its tasks names itself as dependency: it starts only when a user schedules it. */
  readonly waitsForItself: boolean;
}

export interface ClusteredGraph {
  readonly clusters: readonly Cluster[];
  readonly edges: readonly { readonly from: string; readonly to: string }[];
  readonly isClustered: boolean;
}

/** More boxes than this are not drawn: no one reads them, and the page gets slow. */
export const boxesMax = 120;

/** What tasks of one kind have in common: the name without its numbers, at the end or in it. */
export const kindOf = (name: string): string => name.replace(/\d+/g, '#').replace(/[-_/ ]?#$/, '') || name;

/** A coarser kind, for graphs with too many: the first words of the name. */
const coarser = (kind: string, words: number): string =>
  kind
    .split(/[-_/: ]+/)
    .slice(0, words)
    .join(' ');

const grouped = (lines: readonly Line[], keyOf: (line: Line) => string): Map<string, Line[]> => {
  const groups = new Map<string, Line[]>();
  for (const line of lines) {
    const key = keyOf(line);
    const known = groups.get(key);
    if (known) known.push(line);
    else groups.set(key, [line]);
  }
  return groups;
};

/** The finest way to put lines together that makes few enough boxes. */
const boxesOf = (lines: readonly Line[]): { boxes: Map<string, Line[]>; isClustered: boolean } => {
  if (lines.length <= boxesMax)
    return { boxes: new Map(lines.map((line) => [line.taskId, [line]])), isClustered: false };
  const ways = [kindOf, ...[3, 2, 1].map((words) => (name: string) => coarser(kindOf(name), words))];
  for (const way of ways) {
    const boxes = grouped(lines, ({ name }) => way(name));
    if (boxes.size <= boxesMax) return { boxes, isClustered: true };
  }
  return { boxes: grouped(lines, ({ taskQueueId }) => taskQueueId), isClustered: true };
};

const labelOf = (key: string, lines: readonly Line[]): string =>
  lines.length === 1 ? lines[0]?.name || key : `${key} × ${lines.length}`;

/** The dependency graph of a group, with tasks of one kind in one box where there are many. */
export const clusteredGraph = (lines: readonly Line[]): ClusteredGraph => {
  const { boxes, isClustered } = boxesOf(lines);
  const boxOf = new Map(
    [...boxes].flatMap(([key, members]) => members.map(({ taskId }) => [taskId, key] as const)),
  );
  const edges = new Map<string, { from: string; to: string }>();
  for (const line of lines) {
    const to = boxOf.get(line.taskId) ?? '';
    for (const id of line.dependencies) {
      const from = boxOf.get(id);
      if (from !== undefined && from !== to) edges.set(`${from}\n${to}`, { from, to });
    }
  }
  const clusters = [...boxes].map(([id, members]) => ({
    id,
    label: labelOf(id, members),
    lines: members,
    counts: countStates(members),
    waitsForItself: members.some(waitsForItself),
  }));
  return { clusters, edges: [...edges.values()], isClustered };
};
