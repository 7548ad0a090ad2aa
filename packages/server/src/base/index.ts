export {
  type Answer,
  answerOf,
  type BaseContext,
  type Batched,
  batched,
  type ObserveBatch,
  type ReadVerb,
  refusalOf,
  transact,
  type Verb,
  type Work,
} from './batch.ts';
export { boundedProcess } from './bounded-process.ts';
export { BrokerNodes, mistakeInBrokerUrl, readBrokerUrl, whyNotConnected } from './broker-nodes.ts';
export { canonical } from './canonical.ts';
export {
  afterAnyWait,
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
  connect,
  type Database,
  type Sql,
  type Transaction,
  together,
} from './database.ts';
export { BrokenTransaction, isConnectionLoss, isTransient, isUnavailable } from './database-errors.ts';
export {
  type DatabaseFacts,
  oldestPostgres,
  readDatabaseFacts,
  readServerStates,
  type ServerState,
} from './database-facts.ts';
export { inDatabaseSpan } from './database-spans.ts';
export { mistakeInDatabaseUrl } from './database-url.ts';
export { dateIn, lastDate, requireDate } from './dates.ts';
export { dueLoop } from './due-loop.ts';
export {
  type EmbeddedPostgres,
  embeddedMajorVersion,
  runningPostgresUrl,
  startEmbeddedPostgres,
} from './embedded-postgres/index.ts';
export { type Archive, backUpCluster, postgresFolder } from './embedded-postgres/online-backup.ts';
export { type Encryption, encryption } from './encryption.ts';
export { type ElementError, type ErrorCode, errorStatuses, PartyAway, RequestError } from './errors.ts';
export { inPath } from './in-path.ts';
export { BrieflyKnown } from './known.ts';
export { createLog, type Logger, silentLog } from './log.ts';
export { type Loop, type RunningLoops, runLoops } from './loop.ts';
export {
  type Count,
  createMetrics,
  type Metrics,
  type MetricValues,
  metricsText,
  noMetrics,
  type Observe,
  type Reading,
} from './metrics.ts';
export { migrate, newestMigration, readMigrations } from './migrations.ts';
export { isProcessAlive } from './process-alive.ts';
export { renewEncryption } from './renewal.ts';
export { localSignal, type Signal, sharedSignals } from './signal.ts';
export { inSlices, partsOf, type Slices, slices } from './slices.ts';
export { slugid } from './slugid.ts';
export type { Locking } from './statement.ts';
export { createTurns } from './turns.ts';
export {
  alone,
  bindQueries,
  bindVerbs,
  type Change,
  inBatches,
  inReads,
  oneByOne,
  type Query,
} from './verbs.ts';
