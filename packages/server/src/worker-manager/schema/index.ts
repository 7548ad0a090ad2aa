export * from './configs.ts';
export * from './decisions.ts';
export * from './errors.ts';
export * from './messages.ts';
export * from './other-clouds.ts';
export * from './pools.ts';
export * from './workers.ts';
