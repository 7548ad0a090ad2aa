import type { Task } from '@taskyard/client/browser';

/** Whether shells may be opened in a task while its commands run: its payload asks for that. */
export const hasShells = ({ payload }: Task): boolean =>
  (payload as { features?: { interactive?: unknown } }).features?.interactive === true;
