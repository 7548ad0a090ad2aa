import type { Domain } from '../http/index.ts';
import type { Context } from './context.ts';
import { artifactLoops } from './loops.ts';
import { artifactRoutes } from './routes.ts';
import { type ArtifactVerbs, artifactVerbs } from './service/index.ts';

export { artifactRoutes } from './routes.ts';
export { artifactCreatedMessage, objectCredentials, type PostArtifactRequest } from './schema.ts';
export type { ArtifactVerbs } from './service/index.ts';
export { linesOf, storedUrl, textAt } from './stored-text.ts';

/** The door of artifacts. */
export type Artifacts = Domain<ArtifactVerbs>;

/** Opens artifacts of runs: files, references, links, and errors in place of files that could not be created. */
export const createArtifacts = (context: Context): Artifacts => {
  const verbs = artifactVerbs(context);
  return { verbs, routes: artifactRoutes, loops: artifactLoops(verbs) };
};
