/** Where a value is in a document: keys of maps and indexes of lists. */
export type Path = readonly (string | number)[];

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * A task over its defaults: maps are merged key by key, anything else of the task replaces what the defaults say,
 * and `null` takes a default away (as in JSON Merge Patch, RFC 7396).
 */
export const mergeOver = (defaults: unknown, given: unknown): unknown => {
  if (!isFields(given)) return given;
  const merged: Record<string, unknown> = Object.assign(
    Object.create(null),
    isFields(defaults) ? defaults : {},
  );
  for (const [key, value] of Object.entries(given)) {
    if (value === null) delete merged[key];
    else merged[key] = mergeOver(merged[key], value);
  }
  return { ...merged };
};
