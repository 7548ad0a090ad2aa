import type { Paint, Style } from './io.ts';

const styles: Readonly<Record<string, Style>> = {
  running: 'blue',
  completed: 'green',
  failed: 'red',
  exception: 'magenta',
};

/** The state of a task or a run in its color; waiting ones have none. */
export const paintState = (paint: Paint, state: string): string => {
  const style = styles[state];
  return style ? paint(style, state) : state;
};
