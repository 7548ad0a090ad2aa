export { type MemoryGuard, startMemoryGuard } from './memory-guard.ts';
export { type UsageFigures, usageRecord } from './usage-record.ts';
