import type { Clock } from '../base/index.ts';
import type { Conditions } from './conditions.ts';
import type { ParameterGroup, Reply } from './query-api.ts';
import type { CloudState, Life } from './state.ts';

/** What a call works with. */
export interface Call {
  readonly region: string;
  readonly parameters: ParameterGroup;
  readonly state: CloudState;
  readonly life: Life;
  readonly conditions: Conditions;
  readonly clock: Clock;
}

export type Answer = Record<string, Reply>;
