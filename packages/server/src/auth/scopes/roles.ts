import { RequestError } from '../../base/index.ts';
import { Recent } from '../recent.ts';
import { bytesOf, type ScopeSet, type Scopes, scopeSet } from './scope-set.ts';

/** A role as expansion needs it. */
export interface RoleScopes {
  readonly roleId: string;
  readonly scopes: readonly string[];
}

/** A role's part in an expansion: what it adds as it is, and what it adds around a parameter. */
interface CompiledRole {
  readonly roleId: string;
  readonly scopes: readonly string[];
  readonly parameterised: readonly { readonly before: string; readonly after: string }[];
}

/** All roles, compiled. It is immutable: a change of a role creates a new set. */
export interface RoleSet {
  /** Adds the scopes of every role that the scopes allow to assume, recursively. Caches the result. */
  expand(scopes: readonly string[]): ScopeSet;
  /** The same without a cache, for scopes that a caller sent. */
  expandOnce(scopes: readonly string[]): ScopeSet;
  /** The approximate size of the cache of expansions, in bytes. */
  rememberedBytes(): number;
  /** The chain of roles by which a role assumes itself, with the role at both ends; undefined when it does not. */
  cycleThrough(roleId: string): string[] | undefined;
}

const assume = 'assume:';
/** In a scope of a role whose id ends in a star, this stands for what the star matched. */
export const parameter = '<..>';
/** The size of the cache of expansions, in bytes. */
const bytesKept = 16 * 2 ** 20;
// Roles have no cycles, so an expansion is finite. This bounds it in case the table was changed by hand.
const scopesMax = 1_000_000;

/** Compiles a role set for fast expansion. */
export const compileRoles = (roles: readonly RoleScopes[]): RoleSet => {
  const byRule = new RoleIndex(roles);
  const kept = new Recent<ScopeSet>(bytesKept, bytesOf);
  const expandOnce = (scopes: readonly string[]): ScopeSet => scopeSet(expandAll(byRule, scopes));
  const expand = (scopes: readonly string[]): ScopeSet => {
    const key = `${scopes.length}\n${scopes.join('\n')}`;
    return kept.get(key) ?? kept.add(key, expandOnce(scopes));
  };
  return {
    expand,
    expandOnce,
    rememberedBytes: () => kept.bytes,
    cycleThrough: (roleId) => findCycle(byRule, roleId),
  };
};

const expandAll = (roles: RoleIndex, scopes: readonly string[]): Scopes => {
  if (scopes.includes('*')) return ['*'];
  const all = new Set(scopes);
  // Iteration includes what is added to the set meanwhile, so this is the whole closure.
  for (const scope of all) {
    const identity = assumed(scope);
    if (identity === undefined) continue;
    roles.visit(identity, (role, argument) => {
      for (const granted of role.scopes) all.add(granted);
      for (const pattern of role.parameterised) all.add(substitute(pattern, argument));
    });
    if (all.size > scopesMax) throw new Error('An expansion of scopes does not end: the roles have a cycle.');
  }
  return all;
};

/** The identity that a scope allows to assume: the text after `assume:`, or `*` when it covers all of `assume:`. */
const assumed = (scope: string): string | undefined => {
  if (scope.startsWith(assume)) return scope.slice(assume.length);
  return scope.endsWith('*') && assume.startsWith(scope.slice(0, -1)) ? '*' : undefined;
};

// A starred argument stands for everything that begins so; what would follow it in the scope is dropped.
const substitute = ({ before, after }: { before: string; after: string }, argument: string): string =>
  argument.endsWith('*') ? before + argument : before + argument + after;

class RoleIndex {
  private readonly exact = new Map<string, CompiledRole>();
  private readonly starred = new Map<string, CompiledRole>();
  private readonly starredLengths: number[];
  // Every role under its id without a final star, in order, for scopes that cover a range of roles.
  private readonly ordered: {
    readonly key: string;
    readonly role: CompiledRole;
    readonly isStarred: boolean;
  }[] = [];

  constructor(roles: readonly RoleScopes[]) {
    for (const role of roles) {
      const isStarred = role.roleId.endsWith('*');
      const key = isStarred ? role.roleId.slice(0, -1) : role.roleId;
      const compiled = isStarred ? compileStarred(role) : { ...role, parameterised: [] };
      (isStarred ? this.starred : this.exact).set(key, compiled);
      this.ordered.push({ key, role: compiled, isStarred });
    }
    this.ordered.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    this.starredLengths = [...new Set([...this.starred.keys()].map((key) => key.length))].sort(
      (a, b) => a - b,
    );
  }

  find(roleId: string): CompiledRole | undefined {
    return roleId.endsWith('*') ? this.starred.get(roleId.slice(0, -1)) : this.exact.get(roleId);
  }

  /** Visits every role that an identity matches, with the text that the role's star matched. */
  visit(identity: string, found: (role: CompiledRole, argument: string) => void): void {
    const exact = this.exact.get(identity);
    if (exact) found(exact, '');
    for (const length of this.starredLengths) {
      if (length > identity.length) break;
      const role = this.starred.get(identity.slice(0, length));
      if (role) found(role, identity.slice(length));
    }
    if (identity.endsWith('*')) this.visitRange(identity.slice(0, -1), found);
  }

  private visitRange(prefix: string, found: (role: CompiledRole, argument: string) => void): void {
    for (let i = this.firstFrom(prefix); i < this.ordered.length; i++) {
      const { key, role, isStarred } = this.ordered[i] as (typeof this.ordered)[number];
      if (!key.startsWith(prefix)) return;
      // `<prefix>*` itself was found above, as the role whose star matched the scope's star.
      if (!isStarred || key !== prefix) found(role, '*');
    }
  }

  private firstFrom(key: string): number {
    let low = 0;
    let high = this.ordered.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.ordered[middle]?.key ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const compileStarred = ({ roleId, scopes }: RoleScopes): CompiledRole => ({
  roleId,
  scopes: scopes.filter((scope) => !scope.includes(parameter)),
  parameterised: scopes.filter((scope) => scope.includes(parameter)).map(split),
});

const split = (scope: string): { before: string; after: string } => {
  const at = scope.indexOf(parameter);
  return { before: scope.slice(0, at), after: scope.slice(at + parameter.length) };
};

const assumedRoles = (roles: RoleIndex, role: CompiledRole): string[] => {
  const found = new Set<string>();
  for (const scope of [...role.scopes, ...role.parameterised.map((pattern) => `${pattern.before}*`)]) {
    const identity = assumed(scope);
    if (identity !== undefined) roles.visit(identity, (next) => found.add(next.roleId));
  }
  return [...found];
};

const findCycle = (roles: RoleIndex, roleId: string): string[] | undefined => {
  const cameFrom = new Map<string, string>();
  const waiting = [roleId];
  for (let from = waiting.pop(); from !== undefined; from = waiting.pop()) {
    for (const next of assumedRoles(roles, roles.find(from) as CompiledRole)) {
      if (next === roleId) return [...wayTo(from, cameFrom), roleId];
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, from);
      waiting.push(next);
    }
  }
  return undefined;
};

const wayTo = (roleId: string, cameFrom: ReadonlyMap<string, string>): string[] => {
  const way: string[] = [];
  for (let at: string | undefined = roleId; at !== undefined; at = cameFrom.get(at)) way.unshift(at);
  return way;
};

/** Refuses scopes that end in two stars, since they look like a wildcard but are not one. */
export const requireSoundScopes = (scopes: readonly string[]): void => {
  const unsound = scopes.find((scope) => scope.endsWith('**'));
  if (unsound !== undefined)
    throw new RequestError('InputError', `The scope '${unsound}' ends in two stars; one is enough.`);
};

/** Refuses malformed scopes, and those whose parameter a role cannot fill in. */
export const requireSoundRoleScopes = (scopes: readonly string[]): void => {
  requireSoundScopes(scopes);
  for (const scope of scopes) {
    if (scope.split(parameter).length > 2) {
      throw new RequestError('InputError', `The scope '${scope}' holds ${parameter} more than once.`);
    }
    if (scope.endsWith(`*${parameter}`)) {
      throw new RequestError(
        'InputError',
        `The scope '${scope}' ends in *${parameter}, which no parameter can fill.`,
      );
    }
  }
};

/** Refuses a role set in which a role assumes itself through the role that was changed. */
export const requireNoCycle = (roles: RoleSet, changed: string): void => {
  const cycle = roles.cycleThrough(changed);
  if (cycle) {
    throw new RequestError(
      'InputError',
      `Roles may not assume themselves; this would be a cycle: ${cycle.join(' → ')}`,
    );
  }
};
