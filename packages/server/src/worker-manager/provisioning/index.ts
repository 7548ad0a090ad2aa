export { decide, type Figures, figuresOf } from './decide.ts';
export type { Decision, WorkerAction } from './decision.ts';
export type {
  BootTimes,
  LaunchConfigFacts,
  Moment,
  PendingGroup,
  PoolFacts,
  WorkerFacts,
  WorkerName,
} from './facts.ts';
export { restsUntil } from './rest.ts';
export {
  capacityMax,
  mistakeInSchedule,
  readScaling,
  type Scaling,
  type ScalingConfig,
  withoutOptions,
} from './scaling.ts';
