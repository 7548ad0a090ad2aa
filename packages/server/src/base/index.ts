export {
  type Answer,
  answerOf,
  type BaseContext,
  type Batched,
  type BatchLimits,
  batched,
  batchedRead,
  type ObserveBatch,
  type ReadVerb,
  refusalOf,
  settled,
  transact,
  type Verb,
  type Work,
} from './batch.ts';
export { type BoundedProcess, boundedProcess, type ProcessLimits } from './bounded-process.ts';
export {
  type Clock,
  days,
  hours,
  later,
  type ManualClock,
  manualClock,
  minutes,
  seconds,
  systemClock,
} from './clock.ts';
export {
  BrokenTransaction,
  type ConnectOptions,
  connect,
  type Database,
  isConnectionLoss,
  isTransient,
  isUnavailable,
  type Sql,
  type Transaction,
  together,
} from './database.ts';
export { dateIn, isDate, requireDate } from './dates.ts';
export { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres/index.ts';
export { type Encryption, type EncryptionKeys, encryption } from './encryption.ts';
export { type ElementError, type ErrorCode, errorStatuses, RequestError } from './errors.ts';
export { createLog, type Logger, silentLog } from './log.ts';
export { type Loop, type RunningLoops, runLoops } from './loop.ts';
export {
  createMetrics,
  type HistogramSpec,
  type Metrics,
  type MetricValues,
  metricsText,
  noMetrics,
  type Observe,
  type Reading,
} from './metrics.ts';
export { type Migration, migrate, readMigrations } from './migrations.ts';
export { localSignal, type Signal, sharedSignals } from './signal.ts';
export { slugid } from './slugid.ts';
export { createTurns, type Turns } from './turns.ts';
export { alone, bindQueries, bindVerbs, inBatches, inReads } from './verbs.ts';
