export * from './builds.ts';
export * from './deliveries.ts';
export * from './reports.ts';
export * from './repositories.ts';
