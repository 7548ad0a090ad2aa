/** Which rows are taken to be worked on. */
export interface Taking {
  readonly now: Date;
  /** Nobody else takes them before. */
  readonly until: Date;
  readonly limit: number;
}
