export { type TestDatabase, testDatabase } from './database.ts';
export { messagesIn, type SentMessage } from './outbox.ts';
