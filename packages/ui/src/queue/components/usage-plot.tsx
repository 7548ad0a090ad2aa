import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import { curvesOf, type Usage, usageText } from '../usage.ts';

const height = 180;

const styleOf = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name);

const optionsFor = (width: number): UPlot.Options => {
  const lines = { stroke: styleOf('--mantine-color-text'), grid: { stroke: styleOf('--b-unscheduled') } };
  return {
    width,
    height,
    scales: { x: { time: false } },
    axes: [
      { ...lines, values: (_plot, seconds) => seconds.map((each) => `${each} s`) },
      { ...lines, scale: 'MiB', label: 'MiB' },
      { ...lines, scale: 'processors', label: 'processors', side: 1, grid: { show: false } },
    ],
    series: [
      { label: 'seconds' },
      { label: 'MiB', scale: 'MiB', stroke: styleOf('--c-running'), width: 2 },
      { label: 'processors', scale: 'processors', stroke: styleOf('--c-exception'), width: 1, dash: [4, 3] },
    ],
  };
};

/** The memory and the processors that a run has used, over its time. */
export const UsagePlot = ({ usage }: { usage: Usage }) => {
  const place = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme('light');
  // biome-ignore lint/correctness/useExhaustiveDependencies: its colours are those of the theme.
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const plot = new UPlot(optionsFor(element.clientWidth), curvesOf(usage), element);
    const sizing = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    sizing.observe(element);
    return () => {
      sizing.disconnect();
      plot.destroy();
    };
  }, [usage, scheme]);
  return <div ref={place} className="plot" role="img" aria-label={usageText(usage)} />;
};
