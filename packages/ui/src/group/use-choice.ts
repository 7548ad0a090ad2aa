import { useState } from 'react';
import type { Choice } from './group-list.tsx';

/** What the user has chosen of a group. */
export const useChoice = (): Choice & { readonly clear: () => void } => {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const toggle = (taskId: string) =>
    setIds((before) => {
      const next = new Set(before);
      if (!next.delete(taskId)) next.add(taskId);
      return next;
    });
  return { ids, toggle, clear: () => setIds(new Set()) };
};
