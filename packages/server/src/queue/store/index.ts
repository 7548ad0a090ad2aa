export * from './claims.ts';
export * from './counts.ts';
export * from './deadlines.ts';
export * from './demand.ts';
export * from './groups.ts';
export * from './pending.ts';
export * from './tasks.ts';
