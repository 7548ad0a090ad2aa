import type { Mistake, Path } from './template/index.ts';

/** A task of the file after rendering. */
export interface Item {
  readonly value: unknown;
  /** Leads to it in the file. */
  readonly path: Path;
}

/** What a version makes of the tasks of a file. */
export interface Items {
  readonly items: readonly Item[];
  readonly mistakes: readonly Mistake[];
}
