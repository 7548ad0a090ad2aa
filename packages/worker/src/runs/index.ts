export type { Endings, WorkerIdentity, WorkerTools } from './run.ts';
export { runTask } from './run-task.ts';
