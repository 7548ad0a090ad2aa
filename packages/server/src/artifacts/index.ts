import type { Loop } from '../base/index.ts';
import { artifactLoops } from './loops.ts';
import { type ArtifactDeps, createArtifactService } from './service/index.ts';

export { type ArtifactServices, artifactRoutes } from './routes.ts';
export * from './schema.ts';
export type { ArtifactDeps } from './service/index.ts';

type ArtifactService = ReturnType<typeof createArtifactService>;

/** The door of artifacts. */
export interface Artifacts extends ArtifactService {
  readonly loops: readonly Loop[];
}

/** What hangs from runs: files, references, links, and word of files that could not be made. */
export const createArtifacts = (deps: ArtifactDeps): Artifacts => {
  const service = createArtifactService(deps);
  return { ...service, loops: artifactLoops(service) };
};
