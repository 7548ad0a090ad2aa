export * from './browser.ts';
export * from './node/download.ts';
export { type OpenedBytes, openBytes, transferError } from './node/open-bytes.ts';
export * from './node/upload.ts';
