import { type Loop, minutes } from '../base/index.ts';
import type { ArtifactVerbs } from './service/index.ts';

/** The background work of artifacts. */
export const artifactLoops = ({ expireArtifacts }: ArtifactVerbs): readonly Loop[] => [
  { name: 'expire-artifacts', everyMs: minutes(10), limit: 100, step: expireArtifacts },
];
