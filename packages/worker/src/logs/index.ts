export { type LiveLogServer, startLiveLogServer } from './live-log-server.ts';
export { openTaskLog, type TaskLog } from './task-log.ts';
