export { claimLockingOfTests, type TestDatabase, testDatabase } from './database.ts';
export { type Opened, opened, plainTask, queueAlone, servedOn, stepOf, tester } from './floors.ts';
export { heldTransaction, untilBlocked } from './locks.ts';
export { messagesIn, type SentMessage } from './outbox.ts';
export { whileTimePasses } from './passing-time.ts';
export { type Replicas, startReplicas } from './replicas.ts';
export { callerWith, served } from './served.ts';
