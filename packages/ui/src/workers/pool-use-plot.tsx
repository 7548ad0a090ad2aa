import type { WorkerPoolSampleList } from '@taskyard/client/browser';
import { useMemo } from 'react';
import { axisStyle, Plot, styleOf } from '../shell/plot.tsx';
import { poolCurves, poolUseText } from './pool-use.ts';

const options = () => {
  const lines = axisStyle();
  const aside = { ...lines, side: 1 as const, grid: { show: false } };
  return {
    axes: [
      lines,
      { ...lines, scale: 'workers', label: 'workers' },
      { ...aside, scale: 'idle', label: '% idle' },
      { ...aside, scale: 'usd', label: 'USD per hour' },
    ],
    scales: { idle: { range: [0, 100] as [number, number] } },
    series: [
      { label: 'time' },
      { label: 'workers', scale: 'workers', stroke: styleOf('--c-running'), width: 2 },
      { label: '% idle', scale: 'idle', stroke: styleOf('--c-exception'), width: 1, dash: [4, 3] },
      { label: 'USD per hour', scale: 'usd', stroke: styleOf('--c-completed'), width: 1 },
    ],
  };
};

/** Workers, idle share and price of a pool over the last week. */
export const PoolUsePlot = ({ use }: { use: WorkerPoolSampleList }) => {
  const data = useMemo(() => poolCurves(use), [use]);
  return <Plot data={data} options={options} label={poolUseText(use)} />;
};
