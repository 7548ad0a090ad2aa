import type { RunStatus } from '../../queue/index.ts';

/** The runs of a task, of which its row has the text. */
export const parsedRuns = (runs: string): RunStatus[] => JSON.parse(runs) as RunStatus[];
