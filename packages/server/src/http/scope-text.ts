import type { ScopeTemplate } from './contract.ts';

/** A scope template in words, as Markdown: `` `queue:get-task:<taskId>` and (`a` or `b`) ``. */
export const scopeText = (scope: ScopeTemplate): string => {
  if (typeof scope === 'string') return `\`${scope}\``;
  if ('AllOf' in scope) return joined(scope.AllOf, 'and');
  if ('AnyOf' in scope) return joined(scope.AnyOf, 'or');
  if ('for' in scope) return `${scopeText(scope.each)} for each \`${scope.for}\` of \`${scope.in}\``;
  const otherwise = scope.else ? `, otherwise ${scopeText(scope.else)}` : '';
  return `${scopeText(scope.then)} if \`${scope.if}\`${otherwise}`;
};

const partsOf = (scope: ScopeTemplate): readonly ScopeTemplate[] =>
  typeof scope === 'string' ? [] : 'AllOf' in scope ? scope.AllOf : 'AnyOf' in scope ? scope.AnyOf : [];

const joined = (scopes: readonly ScopeTemplate[], word: 'and' | 'or'): string => {
  const parts = scopes.map((scope) =>
    partsOf(scope).length > 1 ? `(${scopeText(scope)})` : scopeText(scope),
  );
  return parts.length ? parts.join(` ${word} `) : 'none';
};
