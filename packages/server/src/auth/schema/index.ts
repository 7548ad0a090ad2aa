export * from './audit.ts';
export * from './authentication.ts';
export * from './clients.ts';
export * from './messages.ts';
export * from './other-parties.ts';
export * from './roles.ts';
export * from './settings.ts';
export * from './words.ts';
