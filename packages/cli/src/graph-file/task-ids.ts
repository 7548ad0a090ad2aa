import { type Mistake, type Path, type Source, suggestion } from '@taskyard/taskcluster-yml/template';
import type { Draft } from './draft.ts';
import { mistakeIn } from './draft.ts';

/** Assigns a taskId to each label, also to labels that are not known yet, since `$map` creates labels late. */
export interface TaskIds {
  of(label: string): string;
  /** Every label that was asked for, with its taskId. */
  asked(): ReadonlyMap<string, string>;
}

export const taskIds = (slugid: () => string): TaskIds => {
  const ids = new Map<string, string>();
  return {
    of: (label) => {
      if (typeof label !== 'string') throw new Error('taskId expects a label');
      const taskId = ids.get(label) ?? slugid();
      ids.set(label, taskId);
      return taskId;
    },
    asked: () => ids,
  };
};

/** Unknown labels whose taskId an expression used, each with the place of that taskId. */
export const strayLabels = (
  source: Source,
  drafts: readonly Draft[],
  { asked, labels }: { asked: ReadonlyMap<string, string>; labels: ReadonlySet<string> },
): Mistake[] =>
  [...asked]
    .filter(([label]) => !labels.has(label))
    .flatMap(([label, taskId]) => {
      const message = `taskId('${label}'): there is no such task${suggestion(label, labels)}`;
      const found = drafts.flatMap((draft) =>
        placesOf(draft.written, taskId).map((path) => mistakeIn(source, draft, { path, message })),
      );
      return found.length > 0 ? found : [source.mistake(['tasks'], message)];
    });

const placesOf = (value: unknown, text: string): Path[] => {
  if (typeof value === 'string') return value.includes(text) ? [[]] : [];
  if (typeof value !== 'object' || value === null) return [];
  const parts: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  return parts.flatMap(([key, part]) => placesOf(part, text).map((path) => [key, ...path]));
};
