import { useEffect, useRef } from 'react';

export interface Shortcut {
  /** Keys one after the other, with spaces between: `g h`. */
  readonly keys: string;
  readonly does: string;
  readonly run: () => void;
}

const known = new Map<symbol, readonly Shortcut[]>();

/** All shortcuts of what is shown now. */
export const knownShortcuts = (): Shortcut[] => [...known.values()].flat();

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** Which shortcut these keys are, and whether they may become one. */
export const match = (
  shortcuts: readonly Pick<Shortcut, 'keys'>[],
  typed: string,
): { found: number; isBegun: boolean } => ({
  found: shortcuts.findIndex(({ keys }) => keys === typed),
  isBegun: shortcuts.some(({ keys }) => keys.startsWith(`${typed} `)),
});

/** Keys that do something while the component is shown, and the user is not typing. */
export const useShortcuts = (shortcuts: readonly Shortcut[]): void => {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  useEffect(() => {
    const id = Symbol('shortcuts');
    let typed = '';
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.metaKey || event.ctrlKey || event.altKey) return;
      const next = typed ? `${typed} ${event.key}` : event.key;
      const { found, isBegun } = match(latest.current, next);
      typed = isBegun ? next : '';
      const shortcut = latest.current[found];
      if (!shortcut) return;
      event.preventDefault();
      shortcut.run();
    };
    known.set(id, latest.current);
    window.addEventListener('keydown', onKey);
    return () => {
      known.delete(id);
      window.removeEventListener('keydown', onKey);
    };
  }, []);
};
