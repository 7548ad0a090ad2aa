export type { ExitReason } from './claim-tasks.ts';
export { defaultPath, nodeDirectories, readWorkerConfig, WorkerConfig, WorkerConfigError } from './config.ts';
export { type EngineChoice, engineChoices } from './engines/index.ts';
export { GenericWorkerPayload } from './payload/index.ts';
export { startWorker, type Worker, type WorkerState } from './worker.ts';
export { jsonLinesLog, type WorkerLog } from './worker-log.ts';
export type { WorkerOptions } from './worker-options.ts';
