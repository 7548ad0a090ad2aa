import type { RunStatus } from '../../queue/index.ts';

/** The runs of a task, parsed from its row. */
export const parsedRuns = (runs: string): RunStatus[] => JSON.parse(runs) as RunStatus[];
