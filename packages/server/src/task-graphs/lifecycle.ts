import {
  type Change,
  type RunStatus,
  rerun,
  resolvedRun,
  type TaskRecord,
  type TaskState,
} from '../queue/index.ts';
import type { GraphState, NodeState } from './schema.ts';

/** Every transition of a graph. A blocked graph never runs again, but it may still be finished. */
export const transitions = {
  block: { from: ['running'], to: 'blocked' },
  finish: { from: ['running', 'blocked', 'finished'], to: 'finished' },
} as const satisfies Record<string, { from: readonly GraphState[]; to: GraphState }>;

export const nodeStateOf = (state: TaskState): NodeState =>
  state === 'pending' || state === 'running' ? 'scheduled' : state;

/** Whether a task ever completed; later reruns do not change that. */
export const isSatisfied = ({ runs }: { readonly runs: readonly Pick<RunStatus, 'state'>[] }): boolean =>
  runs.some((run) => run.state === 'completed');

/** The effect of the end of a task on its graph. */
export type Effect = 'rerun' | 'block' | 'satisfy' | 'none';

const mayRunAgain = (task: TaskRecord, now: Date): boolean =>
  task.deadline >= now && rerun(task, now).kind === 'changed';

/**
 * The effect of a task that has resolved. Only a failed task is rerun: when a task ends as an exception, the queue has
 * already used its retries.
 */
export const effectOf = ({ before, after }: Change, rerunsLeft: number, now: Date): Effect => {
  const state = resolvedRun(before, after)?.state;
  if (state === undefined) return 'none';
  if (state === 'completed') return isSatisfied(before) ? 'none' : 'satisfy';
  return state === 'failed' && rerunsLeft > 0 && mayRunAgain(after, now) ? 'rerun' : 'block';
};

/** The counters of a graph. */
export interface Standing {
  readonly state: GraphState;
  /** The number of tasks that no other task of the graph requires and that have never completed. */
  readonly leavesLeft: number;
}

/** The progress of a graph in one transaction. */
export interface Progress {
  readonly satisfiedLeaves: number;
  readonly blockedBy?: string;
}

/** The state of a graph after some progress, and the states that it went through, in order. */
export const advance = <Graph extends Standing>(
  graph: Graph,
  { satisfiedLeaves, blockedBy }: Progress,
): { graph: Graph; reached: GraphState[] } => {
  const leavesLeft = graph.leavesLeft - satisfiedLeaves;
  const isBlocked = blockedBy !== undefined && isAmong(transitions.block.from, graph.state);
  const isFinished = satisfiedLeaves > 0 && leavesLeft <= 0;
  const reached = [
    ...(isBlocked ? [transitions.block.to] : []),
    ...(isFinished ? [transitions.finish.to] : []),
  ];
  return { graph: { ...graph, leavesLeft, state: reached.at(-1) ?? graph.state }, reached };
};

const isAmong = (states: readonly GraphState[], state: GraphState): boolean => states.includes(state);
