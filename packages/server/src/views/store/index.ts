export * from './causes.ts';
export * from './finding.ts';
export * from './groups.ts';
export * from './lines.ts';
export * from './overview.ts';
export * from './profiles.ts';
export * from './selection.ts';
export * from './waiting.ts';
