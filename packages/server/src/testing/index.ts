export { type TestDatabase, testDatabase } from './database.ts';
export { heldTransaction, untilBlocked } from './locks.ts';
export { messagesIn, type SentMessage } from './outbox.ts';
