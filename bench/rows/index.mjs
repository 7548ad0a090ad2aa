import { createRows } from './create.mjs';
import { depthRows } from './depth.mjs';
import { graphRows } from './graphs.mjs';
import { hostileRows } from './hostile.mjs';
import { firstRows, lastRows } from './memory.mjs';
import { readRows } from './reads.mjs';
import { waitingRows } from './waiting.mjs';
import { workRows } from './work.mjs';

/**
 * All rows, in the order in which they are measured. `value` of a result is what is compared; `isTime` says that less
 * of it is better.
 */
export const rows = [
  ...firstRows,
  ...createRows,
  ...workRows,
  ...readRows,
  ...graphRows,
  ...waitingRows,
  ...depthRows,
  ...hostileRows,
  ...lastRows,
];
