export { openReports } from './reports.ts';
export type { Resolution } from './resolution.ts';
export { type Endings, toolsFor, type WorkerIdentity, type WorkerTools } from './run.ts';
export { type HereOptions, type RanHere, runHere, type Visit } from './run-here.ts';
export { runTask } from './run-task.ts';
export { traceRun } from './trace-run.ts';
