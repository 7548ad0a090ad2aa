import type { PendingGroup } from '../facts.ts';

/** Tasks that wait, the oldest first. */
export interface Backlog {
  readonly size: () => number;
  add(task: number, nowMs: number): void;
  /** The next one in line, and how long it has waited. */
  take(nowMs: number): { readonly task: number; readonly waitedMs: number } | undefined;
  /** How many have waited for how long, in steps that double, as the server counts them. */
  byAge(nowMs: number): PendingGroup[];
}

const compactAt = 10_000;

/** Runs become pending in order of time: one that is lost with its worker waits again. */
export const openBacklog = (): Backlog => {
  let tasks: number[] = [];
  let sinceMs: number[] = [];
  let head = 0;
  return {
    size: () => tasks.length - head,
    add: (task, nowMs) => {
      tasks.push(task);
      sinceMs.push(nowMs);
    },
    take: (nowMs) => {
      const [task, since] = [tasks[head], sinceMs[head]];
      if (task === undefined || since === undefined) return undefined;
      head += 1;
      if (head === compactAt) {
        tasks = tasks.slice(head);
        sinceMs = sinceMs.slice(head);
        head = 0;
      }
      return { task, waitedMs: nowMs - since };
    },
    byAge: (nowMs) => {
      const groups: { ageMs: number; count: number }[] = [];
      let step = Number.NaN;
      for (let i = head; i < sinceMs.length; i++) {
        const ageMs = nowMs - (sinceMs[i] ?? nowMs);
        const next = Math.floor(Math.log2(1000 + ageMs));
        const latest = groups.at(-1);
        if (latest && next === step) latest.count += 1;
        else groups.push({ ageMs, count: 1 });
        step = next;
      }
      return groups;
    },
  };
};
