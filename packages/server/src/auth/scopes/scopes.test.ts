import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareScopes, compileRoles, fillTemplate, normalise, type RoleScopes, scopeSet } from './index.ts';

// A small alphabet, so that scopes often match each other. `!` sorts before the star.
const word = fc.string({ unit: fc.constantFrom('a', 'b', ':', '!', '*'), maxLength: 5 });
// Two stars at the end are refused where scopes are written: `x**` satisfies `x*`, but not all that it does.
const scope = fc
  .oneof(
    word,
    word.map((text) => `${text}*`),
  )
  .filter((text) => !text.endsWith('**'));
const scopes = fc.array(scope, { maxLength: 8 });

/** Satisfaction as the rule says it, one scope at a time. */
const covers = (held: string, wanted: string): boolean =>
  held === wanted || (held.endsWith('*') && wanted.startsWith(held.slice(0, -1)));
const satisfiesAll = (held: readonly string[], wanted: readonly string[]): boolean =>
  wanted.every((one) => held.some((other) => covers(other, one)));

describe('satisfaction', () => {
  it('agrees with the rule', () => {
    fc.assert(
      fc.property(scopes, scope, (held, wanted) => {
        assert.equal(scopeSet(held).has(wanted), satisfiesAll(held, [wanted]));
      }),
      { numRuns: 2000 },
    );
  });
  it('is reflexive: a set satisfies its own scopes', () => {
    fc.assert(fc.property(scopes, (held) => assert.ok(scopeSet(held).satisfies({ AllOf: held }))));
  });
  it('is transitive: what satisfies a set satisfies everything that the set does', () => {
    fc.assert(
      fc.property(scopes, scopes, scopes, (a, b, c) => {
        fc.pre(scopeSet(a).satisfies({ AllOf: b }) && scopeSet(b).satisfies({ AllOf: c }));
        assert.ok(scopeSet(a).satisfies({ AllOf: c }));
      }),
    );
  });
  it('is monotone: more scopes satisfy no less', () => {
    fc.assert(
      fc.property(scopes, scopes, scope, (a, b, wanted) => {
        fc.pre(scopeSet(a).has(wanted));
        assert.ok(scopeSet([...a, ...b]).has(wanted));
      }),
    );
  });
  it('an empty AllOf is satisfied, an empty AnyOf is not', () => {
    assert.equal(scopeSet([]).satisfies({ AllOf: [] }), true);
    assert.equal(scopeSet(['*']).satisfies({ AnyOf: [] }), false);
  });
  it('AllOf needs every part, AnyOf one of them', () => {
    const { satisfies } = scopeSet(['a', 'b:*']);
    assert.ok(satisfies({ AllOf: ['a', { AnyOf: ['c', 'b:x'] }] }));
    assert.ok(!satisfies({ AllOf: ['a', 'c'] }));
    assert.ok(!satisfies({ AnyOf: ['c', 'd'] }));
  });
  it('a star within a scope is not a wildcard', () => {
    assert.equal(scopeSet(['a:*:x']).has('a:b:x'), false);
    assert.equal(scopeSet(['a:*:x']).has('a:*:x'), true);
  });
});

describe('normalisation', () => {
  it('satisfies the same scopes, and keeps none that another one covers', () => {
    fc.assert(
      fc.property(scopes, (given) => {
        const normal = normalise(given);
        assert.ok(satisfiesAll(normal, given));
        assert.ok(satisfiesAll(given, normal));
        for (const one of normal) {
          const others = normal.filter((other) => other !== one);
          assert.ok(!satisfiesAll(others, [one]), `${one} is superfluous in ${normal}`);
        }
        assert.deepEqual(normalise(normal), normal);
      }),
    );
  });
  it('is sorted, however the input was', () => {
    fc.assert(
      fc.property(scopes, (given) => {
        const normal = normalise(given);
        assert.deepEqual(normal, [...normal].sort(compareScopes));
      }),
    );
  });
  it('sorting puts a starred scope before what it covers', () => {
    assert.deepEqual(['a!', 'ab', 'a*', 'a'].sort(compareScopes), ['a*', 'a', 'a!', 'ab']);
    fc.assert(
      fc.property(scopes, (given) => {
        const sorted = [...given].sort(compareScopes);
        for (const [i, one] of sorted.entries()) {
          for (const later of sorted.slice(i + 1)) assert.ok(one === later || !covers(later, one));
        }
      }),
    );
  });
});

/** Expansion as the rules define it, without optimizations. */
const expandNaively = (roles: readonly RoleScopes[], given: readonly string[]): string[] => {
  let all = new Set(given);
  for (;;) {
    const next = new Set(
      [...all].flatMap((held) => [held, ...roles.flatMap((role) => grantedBy(role, held))]),
    );
    if (next.size === all.size) return [...all];
    all = next;
  }
};
const grantedBy = ({ roleId, scopes: granted }: RoleScopes, held: string): string[] => {
  const isStarred = held.endsWith('*');
  const reachesAll = isStarred && 'assume:'.startsWith(held.slice(0, -1));
  if (!reachesAll && !held.startsWith('assume:')) return [];
  const identity = reachesAll ? '*' : held.slice('assume:'.length);
  const prefix = identity.slice(0, -1);
  if (!roleId.endsWith('*')) {
    return identity === roleId || (identity.endsWith('*') && roleId.startsWith(prefix)) ? [...granted] : [];
  }
  const stem = roleId.slice(0, -1);
  if (identity.startsWith(stem)) return granted.map((text) => filled(text, identity.slice(stem.length)));
  return identity.endsWith('*') && stem.startsWith(prefix) ? granted.map((text) => filled(text, '*')) : [];
};
const filled = (text: string, argument: string): string => {
  const [before = '', after] = text.split('<..>');
  if (after === undefined) return text;
  return argument.endsWith('*') ? before + argument : before + argument + after;
};

const name = fc.string({ unit: fc.constantFrom('a', 'b', ':'), maxLength: 3 });
const roleId = fc.oneof(
  name.map((text) => `${text}x`),
  name.map((text) => `${text}*`),
);
const grant = fc.oneof(
  name.map((text) => `s:${text}`),
  name.map((text) => `assume:${text}`),
  name.map((text) => `assume:${text}x`),
  name.map((text) => `assume:${text}*`),
  name.map((text) => `s:${text}<..>`),
  name.map((text) => `s:<..>/${text}`),
  name.map((text) => `assume:${text}<..>x`),
);
const roleLists = fc.uniqueArray(fc.record({ roleId, scopes: fc.array(grant, { maxLength: 4 }) }), {
  maxLength: 7,
  selector: (role) => role.roleId,
});
/** Role sets without cycles: each role is added only if it makes none. */
const roleSets = roleLists.map((candidates) => {
  const roles: RoleScopes[] = [];
  for (const role of candidates) {
    if (!compileRoles([...roles, role]).cycleThrough(role.roleId)) roles.push(role);
  }
  return roles;
});
const held = fc.array(fc.oneof(grant, fc.constantFrom('*', 'a*', 'ass*', 'assume:*')), { maxLength: 4 });

describe('expansion', () => {
  it('equals the rules applied one by one', () => {
    fc.assert(
      fc.property(roleSets, held, (roles, given) => {
        assert.deepEqual(compileRoles(roles).expand(given).scopes, normalise(expandNaively(roles, given)));
      }),
      { numRuns: 2000 },
    );
  });
  it('is idempotent', () => {
    fc.assert(
      fc.property(roleSets, held, (roles, given) => {
        const { expand } = compileRoles(roles);
        const once = expand(given).scopes;
        assert.deepEqual(expand(once).scopes, once);
      }),
    );
  });
  it('is monotone in the scopes and in the roles', () => {
    fc.assert(
      fc.property(roleSets, held, held, (roles, a, b) => {
        const { expand } = compileRoles(roles);
        assert.ok(expand([...a, ...b]).satisfies({ AllOf: expand(a).scopes }));
        assert.ok(expand(a).satisfies({ AllOf: compileRoles(roles.slice(1)).expand(a).scopes }));
      }),
    );
  });
  it('a parameter stands for what the star matched, and a starred one cuts the scope off', () => {
    const { expand } = compileRoles([
      {
        roleId: 'project-admin:*',
        scopes: ['auth:create-role:project-<..>/*', 'secrets:get:project/<..>/*'],
      },
    ]);
    assert.deepEqual(expand(['assume:project-admin:zap']).scopes, [
      'assume:project-admin:zap',
      'auth:create-role:project-zap/*',
      'secrets:get:project/zap/*',
    ]);
    assert.deepEqual(expand(['assume:project-admin:ops*']).scopes, [
      'assume:project-admin:ops*',
      'auth:create-role:project-ops*',
      'secrets:get:project/ops*',
    ]);
  });
  it('a parameter in a role without a star stays as it is', () => {
    const { expand } = compileRoles([{ roleId: 'r', scopes: ['x:<..>'] }]);
    assert.ok(expand(['assume:r']).has('x:<..>'));
  });
  it('no scopes and the empty scope are not confused', () => {
    const { expand } = compileRoles([]);
    assert.deepEqual(expand([]).scopes, []);
    assert.deepEqual(expand(['']).scopes, ['']);
  });
  it('thousands of roles are compiled and expanded', () => {
    const roles = Array.from({ length: 5000 }, (_, i) => ({
      roleId: i % 2 ? `repo:github.com/org${i}/*` : `project:p${i}`,
      scopes: [`queue:route:index.p${i}.*`, `secrets:get:project/p${i}/<..>`, `assume:project:p${i - 1}`],
    }));
    const set = compileRoles(roles);
    for (let i = 1; i < 5000; i += 2) {
      const { scopes } = set.expand([`assume:repo:github.com/org${i}/name:branch:main`]);
      assert.ok(scopes.includes(`queue:route:index.p${i}.*`));
    }
    assert.equal(set.expand(['assume:*']).scopes.length, 10_001);
  });
});

describe('cycles', () => {
  const cycle = (roles: Record<string, string[]>, changed: string): string[] | undefined =>
    compileRoles(
      Object.entries(roles).map(([id, granted]) => ({ roleId: id, scopes: granted })),
    ).cycleThrough(changed);
  it('a role that assumes itself is one, by whatever scope', () => {
    for (const own of ['assume:r', 'assume:r*', 'assume:*', 'assume*', 'a*', '*']) {
      assert.deepEqual(cycle({ r: [own] }, 'r'), ['r', 'r']);
    }
  });
  it('roles that assume each other are one, starred and with parameters too', () => {
    assert.deepEqual(cycle({ a: ['assume:b'], b: ['assume:c'], c: ['assume:a'] }, 'b'), ['b', 'c', 'a', 'b']);
    assert.deepEqual(cycle({ 'a:*': ['assume:b'], b: ['assume:a:x'] }, 'b'), ['b', 'a:*', 'b']);
    assert.deepEqual(cycle({ 'a*': ['assume:a-<..>'] }, 'a*'), ['a*', 'a*']);
  });
  it('roles that share what they assume are none', () => {
    assert.equal(
      cycle({ a: ['assume:b', 'assume:c'], b: ['assume:d'], c: ['assume:d'], d: ['x'] }, 'a'),
      undefined,
    );
  });
});

describe('scope templates', () => {
  const fill = fillTemplate;
  it('parameters are filled in; a missing one makes the whole undefined', () => {
    assert.equal(fill('queue:get-task:<taskId>', { taskId: 't' }), 'queue:get-task:t');
    assert.equal(fill('a:<x>:<y>', { x: 1, y: '' }), 'a:1:');
    assert.equal(fill('a:<x>', {}), undefined);
    assert.equal(fill('a:<toString>', {}), undefined);
    assert.equal(fill({ AllOf: ['a', { AnyOf: ['b:<x>'] }] }, {}), undefined);
    assert.equal(fill({ for: 'x', in: 'list', each: '<x>:<y>' }, { list: ['a'] }), undefined);
  });
  it('a list is expanded in place', () => {
    const template = { AllOf: ['a', { for: 's', in: 'scopes', each: 'b:<s>' }, 'c'] } as const;
    assert.deepEqual(fill(template, { scopes: ['1', '2'] }), { AllOf: ['a', 'b:1', 'b:2', 'c'] });
    assert.deepEqual(fill(template, { scopes: [] }), { AllOf: ['a', 'c'] });
    assert.equal(fill(template, {}), undefined);
    assert.deepEqual(fill({ for: 's', in: 'scopes', each: '<s>' }, { scopes: ['1', '2'] }), {
      AllOf: ['1', '2'],
    });
  });
  it('a condition chooses, and one that is false and has no other side vanishes', () => {
    // biome-ignore lint/suspicious/noThenProperty: the word of the published scope templates.
    const template = { if: 'isRead', then: 'read', else: 'write' } as const;
    assert.equal(fill(template, { isRead: true }), 'read');
    assert.equal(fill(template, { isRead: false }), 'write');
    assert.equal(fill(template, {}), undefined);
    // biome-ignore lint/suspicious/noThenProperty: the word of the published scope templates.
    const optional = { if: 'needed', then: 'x' } as const;
    assert.deepEqual(fill(optional, { needed: false }), { AllOf: [] });
    assert.deepEqual(fill({ AnyOf: [optional] }, { needed: false }), { AnyOf: [] });
  });
});
