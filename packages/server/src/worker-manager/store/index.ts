export * from './decisions.ts';
export * from './errors.ts';
export * from './lives.ts';
export * from './pools.ts';
export * from './provisioning.ts';
export * from './samples.ts';
export * from './workers.ts';
