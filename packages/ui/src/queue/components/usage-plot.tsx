import { useMemo } from 'react';
import { axisStyle, Plot, styleOf } from '../../shell/plot.tsx';
import { curvesOf, type Usage, usageText } from '../usage.ts';

const options = () => {
  const lines = axisStyle();
  return {
    scales: { x: { time: false } },
    axes: [
      { ...lines, values: (_plot: unknown, seconds: number[]) => seconds.map((each) => `${each} s`) },
      { ...lines, scale: 'MiB', label: 'MiB' },
      { ...lines, scale: 'processors', label: 'processors', side: 1 as const, grid: { show: false } },
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
  const data = useMemo(() => curvesOf(usage), [usage]);
  return <Plot data={data} options={options} label={usageText(usage)} />;
};
