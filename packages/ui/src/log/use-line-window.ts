import { useVirtualizer } from '@tanstack/react-virtual';
import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from 'react';

const lineHeight = 20;
/** Browsers draw no more than some millions of pixels: of a longer log, the frame holds so many lines. */
const windowMax = 400_000;
/** So many lines before an end of what the frame holds, it is given others. */
const nearEnd = 200;

type Align = 'center' | 'end';

/** The first line of a window that has a line in its middle. */
const windowAround = (number: number): number => Math.max(0, number - windowMax / 2);

const afterFrames = (frames: number, act: () => void): void => {
  requestAnimationFrame(() => (frames > 1 ? afterFrames(frames - 1, act) : act()));
};

/** Which lines of a log are drawn, where, however many there are. */
export const useLineWindow = (frame: RefObject<HTMLElement | null>, count: number) => {
  const [first, setFirst] = useState(0);
  const size = Math.min(windowMax, Math.max(0, count - first));
  const rows = useVirtualizer<HTMLElement, Element>({
    count: size,
    getScrollElement: () => frame.current,
    estimateSize: () => lineHeight,
    overscan: 30,
  });
  const now = useRef({ first, rows });
  now.current = { first, rows };
  /** What is to be done in the next window; it stays until the frame has been scrolled there. */
  const coming = useRef<() => void>(undefined);
  const moveTo = useCallback((next: number, scroll: () => void) => {
    coming.current = scroll;
    setFirst(next);
  }, []);
  const show = useCallback(
    (number: number, align: Align) => {
      const index = number - now.current.first;
      if (index >= 0 && index < windowMax) now.current.rows.scrollToIndex(index, { align });
      else {
        const next = windowAround(number);
        moveTo(next, () => now.current.rows.scrollToIndex(number - next, { align }));
      }
    },
    [moveTo],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: each window is scrolled once.
  useLayoutEffect(() => {
    const scroll = coming.current;
    if (!scroll) return;
    scroll();
    // What is drawn follows when the browser has told of the scrolling.
    afterFrames(2, () => {
      if (coming.current === scroll) coming.current = undefined;
    });
  }, [first]);
  const { startIndex: top = 0, endIndex: bottom = 0 } = rows.range ?? {};
  const isNearEnd = (first > 0 && top < nearEnd) || (first + size < count && bottom > size - nearEnd);
  // The line at the top stays where it is.
  useLayoutEffect(() => {
    const next = windowAround(first + top);
    if (!isNearEnd || coming.current || !frame.current || next === first) return;
    const scrollTop = frame.current.scrollTop + (first - next) * lineHeight;
    moveTo(next, () => frame.current?.scrollTo({ top: scrollTop }));
  }, [isNearEnd, first, top, frame, moveTo]);
  const drawn = rows.getVirtualItems().map(({ index, start }) => ({ number: index + first, start }));
  return { drawn, height: rows.getTotalSize(), show };
};
