export { type TestDatabase, testDatabase } from './database.ts';
export { plainTask, queueAlone, servedOn, stepOf, tester } from './floors.ts';
export { heldTransaction, untilBlocked } from './locks.ts';
export { messagesIn, type SentMessage } from './outbox.ts';
