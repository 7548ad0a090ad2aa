import { isFields, type Source } from '@taskyard/taskcluster-yml/template';
import type { Draft } from './draft.ts';

/** Whether an expression in a value uses `dir`. */
const readsDir = (value: unknown, isExpression = false): boolean => {
  if (typeof value === 'string')
    return isExpression ? /\bdir\b/.test(value) : /(?<!\$)\$\{[^}]*\bdir\b/.test(value);
  if (Array.isArray(value)) return value.some((item) => readsDir(item, isExpression));
  if (!isFields(value)) return false;
  return Object.entries(value).some(([key, item]) => readsDir(key) || readsDir(item, /^\$[a-z]/i.test(key)));
};

/** The labels of tasks whose payload names the folder of the file, because the file uses `${dir}`. */
export const labelsWithDir = (source: Source, drafts: readonly Draft[], folder: string): string[] => {
  if (!readsDir(source.content)) return [];
  const written = JSON.stringify(folder).slice(1, -1);
  return drafts
    .filter(({ task }) => JSON.stringify(task.payload).includes(written))
    .map(({ label }) => label);
};
