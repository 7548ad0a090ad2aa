import { isFields, type Source } from '@taskyard/taskcluster-yml/template';
import type { Draft } from './draft.ts';

/** Names of a graph file that are paths of the machine on which it is read. */
export type MachinePath = 'dir' | 'node';

/** What finds a name in an expression, and in a text that may hold expressions. */
const patterns = {
  dir: { expression: /\bdir\b/, text: /(?<!\$)\$\{[^}]*\bdir\b/ },
  // `params.node` is somebody's parameter.
  node: { expression: /(?<!\.)\bnode\b/, text: /(?<!\$)\$\{(?:[^}]*[^.\w])?node\b/ },
};

/** Whether an expression anywhere in a value reads a name. */
const reads = (name: MachinePath, value: unknown, isExpression = false): boolean => {
  if (typeof value === 'string') return patterns[name][isExpression ? 'expression' : 'text'].test(value);
  if (Array.isArray(value)) return value.some((item) => reads(name, item, isExpression));
  if (!isFields(value)) return false;
  return Object.entries(value).some(
    ([key, item]) => reads(name, key) || reads(name, item, /^\$[a-z]/i.test(key)),
  );
};

interface Place {
  readonly source: Source;
  readonly drafts: readonly Draft[];
  /** What the name is rendered to. */
  readonly path: string;
}

/** The labels of tasks whose payload holds a path of this machine because the file uses its name. */
export const labelsWith = (name: MachinePath, { source, drafts, path }: Place): string[] => {
  if (!reads(name, source.content)) return [];
  const written = JSON.stringify(path).slice(1, -1);
  return drafts
    .filter(({ task }) => JSON.stringify(task.payload).includes(written))
    .map(({ label }) => label);
};
