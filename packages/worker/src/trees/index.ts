export { type Entry, findInside, LeadsOut, openFile, openInside } from './find-inside.ts';
export {
  type HeldDirectory,
  holdBelow,
  holdDirectory,
  ignoring,
  type Name,
  type Places,
  partsOf,
  pathOfHandle,
  type Root,
  rootOf,
  systemReason,
  withHeld,
} from './held-directory.ts';
export { moveEntries, moveWhole } from './move-entries.ts';
export { removeTree } from './remove-tree.ts';
