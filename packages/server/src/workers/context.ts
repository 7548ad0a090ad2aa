import type { BaseContext, Signal } from '../base/index.ts';
import type { Quarantines } from './quarantines.ts';
import type { SightingSettings, Sightings } from './sightings.ts';

/** Periods of this domain; tests choose others. */
export interface WorkersSettings extends SightingSettings {
  /** Quarantines from other processes take effect here after this time at the latest. */
  readonly quarantinesEveryMs: number;
}

/** What the domain is opened with; `createWorkers` builds it. */
export interface Context extends BaseContext {
  readonly settings: WorkersSettings;
  readonly sightings: Sightings;
  readonly quarantines: Quarantines;
  readonly quarantinesChanged: Signal;
}
