import type { Domain } from '../http/index.ts';
import type { Context } from './context.ts';
import { type UpstreamVerbs, upstreamVerbs } from './service/index.ts';

/** The door of what another deployment has published. */
export type Upstream = Domain<UpstreamVerbs>;

/** Opens what another deployment has published. */
export const createUpstream = (context: Context): Upstream => ({
  verbs: upstreamVerbs(context),
  routes: [],
  loops: [],
});
