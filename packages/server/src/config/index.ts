export {
  type Config,
  ConfigError,
  type ConfigSources,
  plainEnvironment,
  printableConfig,
  readConfig,
} from './config.ts';
