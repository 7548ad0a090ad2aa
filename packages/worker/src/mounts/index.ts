export { type Caches, openCaches, type TakenCaches } from './caches.ts';
export { type Downloads, openDownloads } from './downloads.ts';
export { type Mounting, type MountSources, placeMounts } from './mount.ts';
export { placeInside } from './place-inside.ts';
