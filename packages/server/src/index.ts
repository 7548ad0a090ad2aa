export { type Config, ConfigError, type ConfigSources, printableConfig, readConfig } from './config.ts';
export { referenceDocuments } from './declarations.ts';
export type { ReferenceDocument } from './http/index.ts';
export { type RunningServer, startServer } from './server.ts';
