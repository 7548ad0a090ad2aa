export { errorStatuses, migrate } from './base/index.ts';
export { type Config, ConfigError, type ConfigSources, printableConfig, readConfig } from './config/index.ts';
export { declarations, referenceDocuments } from './declarations.ts';
export {
  type Conditions,
  type DemoCloud,
  type Instance,
  type MetadataService,
  serveMetadata,
  startDemoCloud,
  workerProcesses,
} from './demo-cloud/index.ts';
export type { Contract, ReferenceDocument, ScopeTemplate } from './http/index.ts';
export {
  backUp,
  type Cleaned,
  clean,
  type Diagnosis,
  examine,
  type RunningServer,
  restore,
  startServer,
} from './process/index.ts';
export { simulation } from './worker-manager/index.ts';
