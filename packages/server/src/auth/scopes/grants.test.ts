import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addedToClient, addedToRole, compileRoles, grantedBy, type ScopeSet, scopeSet } from './index.ts';

/** All clients and roles by id, with their stored scopes. */
interface State {
  readonly clients: ReadonlyMap<string, readonly string[]>;
  readonly roles: ReadonlyMap<string, readonly string[]>;
}

interface Mutation {
  readonly kind: 'create' | 'update' | 'delete';
  readonly of: 'client' | 'role';
  readonly id: number;
  /** Which of the identities of the attacker does it. */
  readonly by: number;
  readonly scopes: readonly string[];
}

const attacker = 'c0';
const clientIds = [attacker, 'c1', 'c2', 'new'];
const roleIds = ['a', 'ab', 'abb', 'a*', 'ab*', 'b', 'b*', '*'];

const compiled = ({ roles }: State) =>
  compileRoles([...roles].map(([roleId, scopes]) => ({ roleId, scopes })));

/** The clients as which the attacker can act, itself included, and the scopes of each. */
const actable = (state: State): Map<string, ScopeSet> => {
  const { expand } = compiled(state);
  const reached = new Map<string, ScopeSet>();
  const reach = (id: string) => reached.set(id, expand(state.clients.get(id) ?? []));
  reach(attacker);
  // Iteration includes what is added to the map meanwhile, so this is the whole closure.
  for (const [, held] of reached) {
    for (const id of state.clients.keys()) {
      if (!reached.has(id) && held.has(`auth:reset-access-token:${id}`)) reach(id);
    }
  }
  return reached;
};

const needed = (state: State, { kind, of, id, scopes }: Mutation): string[] | undefined => {
  const name = (of === 'client' ? clientIds : roleIds)[id] as string;
  const stored = (of === 'client' ? state.clients : state.roles).get(name);
  const verb = `auth:${kind}-${of}:${name}`;
  if (kind === 'create' ? stored !== undefined : stored === undefined) return undefined;
  if (kind === 'delete') return [verb];
  if (of === 'client') return [verb, ...(stored ? addedToClient(stored, scopes) : scopes)];
  const role = { roleId: name, scopes: stored ?? scopes };
  return [verb, ...(stored ? addedToRole(compiled(state), role, scopes) : grantedBy(role))];
};

const changed = (
  entries: ReadonlyMap<string, readonly string[]>,
  id: string,
  scopes: readonly string[] | undefined,
): ReadonlyMap<string, readonly string[]> => {
  const next = new Map(entries);
  if (scopes === undefined) next.delete(id);
  else next.set(id, scopes);
  return next;
};

/** The state after a permitted mutation; undefined when it is refused. */
const mutated = (state: State, mutation: Mutation): State | undefined => {
  const able = [...actable(state).values()];
  const by = able[mutation.by % able.length] as ScopeSet;
  const AllOf = needed(state, mutation);
  if (AllOf === undefined || !by.satisfies({ AllOf })) return undefined;
  const scopes = mutation.kind === 'delete' ? undefined : mutation.scopes;
  if (mutation.of === 'client')
    return { ...state, clients: changed(state.clients, clientIds[mutation.id] as string, scopes) };
  const roleId = roleIds[mutation.id] as string;
  const next = { ...state, roles: changed(state.roles, roleId, scopes) };
  return scopes && compiled(next).cycleThrough(roleId) ? undefined : next;
};

const grant = fc.constantFrom(
  ...['s:a', 's:b', 's:*', 's:<..>', 's:<..>*', 's:<..>/m', 's:b<..>', 's:a*', 's:/m', 't', '<..>'],
  ...[
    'assume:a',
    'assume:ab',
    'assume:a*',
    'assume:ab*',
    'assume:abb*',
    'assume:b',
    'assume:b<..>',
    'assume:b*',
  ],
  ...['auth:create-role:*', 'auth:update-role:*', 'auth:update-role:a*', 'auth:delete-role:*'],
  ...['auth:create-client:*', 'auth:update-client:*', 'auth:reset-access-token:c1', 'auth:delete-client:*'],
  ...['auth:update-role:<..>', 'auth:reset-access-token:<..>'],
);
const grants = fc.uniqueArray(grant, { maxLength: 5 });
const powers = fc.constantFrom(
  ...[['auth:create-role:*', 'auth:update-role:*', 'auth:delete-role:*'], ['auth:update-role:*'], []],
  ...[['auth:create-role:*', 'auth:create-client:*', 'auth:delete-role:*', 'auth:delete-client:*']],
);
const states: fc.Arbitrary<State> = fc
  .record({
    clients: fc.tuple(fc.tuple(powers, grants), grants, grants),
    roles: fc.uniqueArray(fc.tuple(fc.constantFrom(...roleIds), grants), {
      maxLength: 6,
      selector: ([id]) => id,
    }),
  })
  .map(({ clients: [[power, own], ...others], roles: wanted }) => {
    const clients = new Map(
      [[...power, ...own], ...others].map((scopes, i) => [clientIds[i] as string, scopes]),
    );
    // Each role is added only if it causes no cycle, as on a server.
    let state: State = { clients, roles: new Map() };
    for (const [roleId, scopes] of wanted) {
      const next = { clients, roles: changed(state.roles, roleId, scopes) };
      if (!compiled(next).cycleThrough(roleId)) state = next;
    }
    return state;
  });
const mutations: fc.Arbitrary<Mutation[]> = fc
  .array(
    fc.record({
      kind: fc.constantFrom('create', 'update', 'update', 'delete'),
      of: fc.constantFrom('role', 'role', 'client'),
      id: fc.nat({ max: roleIds.length - 1 }),
      by: fc.nat({ max: 3 }),
      scopes: grants,
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((all) => all.map((one) => (one.of === 'client' ? { ...one, id: one.id % clientIds.length } : one)));

const isAllowed = (held: readonly ScopeSet[], scope: string): boolean => held.some((set) => set.has(scope));

describe('changes of clients and roles', () => {
  it('never let anyone satisfy a scope that none of their identities satisfied before', () => {
    let permitted = 0;
    fc.assert(
      fc.property(states, mutations, (first, sequence) => {
        const before = [...actable(first).values()];
        let state = first;
        for (const mutation of sequence) {
          const next = mutated(state, mutation);
          if (!next) continue;
          permitted++;
          state = next;
          for (const [id, held] of actable(state)) {
            const gained = held.scopes.filter((scope) => !isAllowed(before, scope));
            assert.deepEqual(gained, [], `${id}, by ${JSON.stringify(mutation)}`);
          }
        }
      }),
      { numRuns: 10_000 },
    );
    assert.ok(permitted > 2000, `only ${permitted} mutations were permitted`);
  });

  it('of a pattern need everything that its scopes can become', () => {
    const scopes = ['kept:<..>/more', 'plain', '<..>'];
    assert.deepEqual(grantedBy({ roleId: 'made/*', scopes }), ['kept:*', 'plain', '*']);
    assert.deepEqual(grantedBy({ roleId: 'made', scopes }), scopes);
  });

  it('of a role take only its own scopes, and what they expand to, as given before', () => {
    const roles = [
      { roleId: 'made/*', scopes: ['kept:<..>', 'assume:inner'] },
      { roleId: 'made/a', scopes: ['own'] },
      { roleId: 'm*', scopes: ['others:<..>', 'other'] },
      { roleId: 'inner', scopes: ['inside'] },
    ];
    const added = (roleId: string, wanted: readonly string[]) => {
      const role = roles.find((one) => one.roleId === roleId);
      assert.ok(role);
      return addedToRole(compileRoles(roles), role, wanted);
    };
    assert.deepEqual(added('made/*', ['kept:<..>', 'inside', 'assume:inner']), []);
    assert.deepEqual(added('made/*', ['other', 'own', 'kept:*', 'kept:x', 'kept:<..>/x', 'assume:made/*']), [
      'other',
      'own',
      'kept:*',
      'kept:x',
      'kept:*',
      'assume:made/*',
    ]);
    assert.deepEqual(added('made/a', ['own', 'other', 'kept:a']), ['other', 'kept:a']);
  });

  it('of a client need each scope that is not literally there already', () => {
    assert.deepEqual(addedToClient(['a*', 'b'], ['a*', 'ab', 'b']), ['ab']);
    assert.ok(scopeSet(['a*']).has('ab'));
  });
});
