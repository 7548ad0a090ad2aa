export { type Entry, findInside, LeadsOut, openFile, openInside } from './find-inside.ts';
export {
  type HeldDirectory,
  holdBelow,
  holdDirectory,
  ignoring,
  type Name,
  partsOf,
  pathOfHandle,
  rootOf,
  systemReason,
  withHeld,
} from './held-directory.ts';
export { moveEntries, moveWhole } from './move-entries.ts';
export { removeTree } from './remove-tree.ts';
