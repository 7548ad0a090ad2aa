export { openDirectLogs } from './direct-logs.ts';
export type { LiveLogs } from './live-logs.ts';
export { openLogsByTunnel } from './logs-by-tunnel.ts';
export { PublishedLogs } from './published-logs.ts';
export { openTaskLog, type TaskLog } from './task-log.ts';
