export * from './browser.ts';
export * from './node/download.ts';
export { makeFolder } from './node/make-folder.ts';
export { type OpenedBytes, openBytes, transferError } from './node/open-bytes.ts';
export * from './node/upload.ts';
