export * from './builds.ts';
export * from './file.ts';
export * from './messages.ts';
export * from './methods.ts';
export * from './settings.ts';
export * from './webhook.ts';
