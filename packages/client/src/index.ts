export * from './browser.ts';
export * from './node/download.ts';
export * from './node/upload.ts';
