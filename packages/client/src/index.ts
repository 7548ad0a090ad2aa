export * from './browser.ts';
export * from './node/download.ts';
export { makeFolder } from './node/make-folder.ts';
export {
  isBrokenOff,
  type OpenedBytes,
  type OpenOptions,
  openBytes,
  transferError,
} from './node/open-bytes.ts';
export { isProcessAlive } from './node/process-alive.ts';
export * from './node/upload.ts';
