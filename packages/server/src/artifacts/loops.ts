import { type Loop, minutes } from '../base/index.ts';
import type { createArtifactService } from './service/index.ts';

export const artifactLoops = (service: ReturnType<typeof createArtifactService>): Loop[] => [
  { name: 'expire-artifacts', everyMs: minutes(10), limit: 100, step: service.expireArtifacts },
];
