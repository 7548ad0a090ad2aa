export { addedToClient, addedToRole, grantedBy } from './grants.ts';
export {
  compileRoles,
  type RoleScopes,
  type RoleSet,
  requireNoCycle,
  requireSoundRoleScopes,
  requireSoundScopes,
} from './roles.ts';
export {
  areEqual,
  bytesOf,
  compareScopes,
  normalise,
  type ScopeSet,
  scopePattern,
  scopeSet,
} from './scope-set.ts';
export { fillTemplate } from './template.ts';
