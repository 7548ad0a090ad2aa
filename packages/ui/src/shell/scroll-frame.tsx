import type { ComponentProps } from 'react';

/** A part of a page that scrolls on its own. It takes the focus, so that the keyboard can scroll it. */
export const ScrollFrame = (props: ComponentProps<'section'>) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: without the focus the keyboard cannot scroll it.
  <section tabIndex={0} {...props} />
);
