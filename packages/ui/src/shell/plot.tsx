import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';

const height = 180;

/** The value of a variable of the page's style: colours are those of the theme. */
export const styleOf = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name);

/** How axes look. */
export const axisStyle = () => ({
  stroke: styleOf('--mantine-color-text'),
  grid: { stroke: styleOf('--b-unscheduled') },
});

/** Curves as wide as the page. The label says in words what they show. */
export const Plot = ({
  data,
  options,
  label,
}: {
  data: UPlot.AlignedData;
  options: () => Omit<UPlot.Options, 'width' | 'height'>;
  label: string;
}) => {
  const place = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme('light');
  // biome-ignore lint/correctness/useExhaustiveDependencies: its colours are those of the theme.
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const plot = new UPlot({ ...options(), width: element.clientWidth, height }, data, element);
    const sizing = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    sizing.observe(element);
    return () => {
      sizing.disconnect();
      plot.destroy();
    };
  }, [data, scheme]);
  return <div ref={place} className="plot" role="img" aria-label={label} />;
};
