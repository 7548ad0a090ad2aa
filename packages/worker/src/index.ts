export {
  type ConfigSources,
  containerHostHere,
  defaultPath,
  nodeDirectories,
  readWorkerConfig,
  WorkerConfigError,
} from './config.ts';
export { WorkerConfig } from './config-schema.ts';
export { type EngineChoice, engineChoices } from './engines/index.ts';
export { enlistWorker } from './enlist-worker.ts';
export { type ExitReason, exitCodes } from './exit-reason.ts';
export { DockerWorkerPayload, GenericWorkerPayload, payloadSchema } from './payload/index.ts';
export { type HereOptions, type RanHere, runTaskHere, type Visit } from './run-task-here.ts';
export { startWorker, type Worker, type WorkerState } from './worker.ts';
export { jsonLinesLog, type WorkerLog } from './worker-log.ts';
export type { WorkerOptions } from './worker-options.ts';
