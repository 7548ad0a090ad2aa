export * from './claims.ts';
export * from './graphs.ts';
export * from './groups.ts';
export * from './listings.ts';
export * from './messages.ts';
export * from './reports.ts';
export * from './status.ts';
export * from './task.ts';
