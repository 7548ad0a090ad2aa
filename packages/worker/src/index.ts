export { defaultPath, nodeDirectories, readWorkerConfig, WorkerConfig, WorkerConfigError } from './config.ts';
export { type EngineChoice, engineChoices } from './engines/index.ts';
export { GenericWorkerPayload } from './payload/index.ts';
export {
  type ExitReason,
  startWorker,
  type Worker,
  type WorkerOptions,
  type WorkerState,
} from './worker.ts';
export { jsonLinesLog, type WorkerLog } from './worker-log.ts';
