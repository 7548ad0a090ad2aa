/** A task by its label, with the labels that it needs; labels of no task are passed over. */
export interface Node {
  readonly label: string;
  readonly needs: readonly string[];
}
type Edges = ReadonlyMap<string, ReadonlySet<string>>;

/** Labels so that each comes after those it needs; if there are cycles, one through each knot of tasks. */
export const inOrder = (nodes: readonly Node[]): { order: string[]; cycles: string[][] } => {
  const labels = new Set(nodes.map(({ label }) => label));
  const needs: Edges = new Map(
    nodes.map((node) => [node.label, new Set(node.needs.filter((need) => labels.has(need)))]),
  );
  const waiting = new Map([...needs].map(([label, { size }]) => [label, size]));
  const order: string[] = [];
  const cycles: string[][] = [];
  const dependents = reversed(needs);
  let free = [...labels].filter((label) => waiting.get(label) === 0);
  while (waiting.size > 0) {
    order.push(...settle(free, waiting, dependents));
    const [stuck] = waiting.keys();
    if (stuck === undefined) break;
    const cycle = cycleFrom(stuck, needs, waiting);
    cycles.push(cycle);
    // Taken as settled, so that what merely hangs from this cycle does not hide the next one.
    free = cycle;
  }
  return { order, cycles };
};

const reversed = (edges: Edges): Edges => {
  const back = new Map<string, Set<string>>([...edges.keys()].map((label) => [label, new Set()]));
  for (const [from, targets] of edges) for (const to of targets) back.get(to)?.add(from);
  return back;
};

/** Settle these labels and all whose needs are thereby met (Kahn's algorithm). */
const settle = (free: readonly string[], waiting: Map<string, number>, dependents: Edges): string[] => {
  const settled = [...free];
  for (const label of free) waiting.delete(label);
  for (const label of settled) {
    for (const dependent of dependents.get(label) ?? []) {
      const left = waiting.get(dependent);
      if (left === undefined) continue;
      waiting.set(dependent, left - 1);
      if (left > 1) continue;
      waiting.delete(dependent);
      settled.push(dependent);
    }
  }
  return settled;
};

/** Each waiting task needs a waiting task, so following the needs must come back to where it has been. */
const cycleFrom = (start: string, needs: Edges, waiting: ReadonlyMap<string, number>): string[] => {
  const seen = new Map<string, number>();
  const way: string[] = [];
  let label = start;
  while (!seen.has(label)) {
    seen.set(label, way.length);
    way.push(label);
    const next = [...(needs.get(label) ?? [])].find((need) => waiting.has(need));
    if (next === undefined) return way;
    label = next;
  }
  return way.slice(seen.get(label));
};
