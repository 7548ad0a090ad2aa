export type { Evictable } from './cache-store.ts';
export { type Caches, openCaches, type TakenCaches } from './caches.ts';
export { decompressed } from './decompressed.ts';
export { type Downloads, type Fetched, openDownloads, WrongContent } from './downloads.ts';
export { type Mounting, type MountSources, placeMounts } from './mount.ts';
export { followPurgeRequests, type PurgeRequest, type PurgeRequests } from './purge-requests.ts';
