import type { ScopeExpression, ScopeTemplate } from '../../http/index.ts';

type Values = Readonly<Record<string, unknown>>;

/**
 * Fills parameters into a scope template; undefined when one is missing. A false `if` without `else`
 * vanishes, and a `for` expands its list in place: at the top they stand in an `AllOf`.
 */
export const fillTemplate = (template: ScopeTemplate, values: Values): ScopeExpression | undefined => {
  if (typeof template === 'string') return fillText(template, values);
  const filled = fill(template, values);
  if (filled === undefined) return undefined;
  return filled.length === 1 ? filled[0] : { AllOf: filled };
};

const fill = (template: ScopeTemplate, values: Values): ScopeExpression[] | undefined => {
  if (typeof template === 'string') return listOf(fillText(template, values));
  if ('AllOf' in template) return listOf(mapDefined(fillAll(template.AllOf, values), (AllOf) => ({ AllOf })));
  if ('AnyOf' in template) return listOf(mapDefined(fillAll(template.AnyOf, values), (AnyOf) => ({ AnyOf })));
  if ('for' in template) return fillEach(template, values);
  return fillChosen(template, values);
};

const fillAll = (templates: readonly ScopeTemplate[], values: Values): ScopeExpression[] | undefined => {
  const all: ScopeExpression[] = [];
  for (const template of templates) {
    const filled = fill(template, values);
    if (filled === undefined) return undefined;
    all.push(...filled);
  }
  return all;
};

const fillEach = (
  { for: name, in: list, each }: Extract<ScopeTemplate, { for: string }>,
  values: Values,
): ScopeExpression[] | undefined => {
  const items = ownValue(list, values);
  if (!Array.isArray(items)) return undefined;
  const all: ScopeExpression[] = [];
  for (const item of items) {
    const filled = fill(each, { ...values, [name]: item });
    if (filled === undefined) return undefined;
    for (const expression of filled) all.push(expression);
  }
  return all;
};

const fillChosen = (
  template: Extract<ScopeTemplate, { if: string }>,
  values: Values,
): ScopeExpression[] | undefined => {
  const condition = ownValue(template.if, values);
  if (condition === undefined) return undefined;
  const chosen = condition ? template.then : template.else;
  return chosen === undefined ? [] : fill(chosen, values);
};

const fillText = (template: string, values: Values): string | undefined => {
  let isComplete = true;
  const text = template.replace(/<([^>]*)>/g, (_, name: string) => {
    const value = ownValue(name, values);
    if (value === undefined) isComplete = false;
    return String(value);
  });
  return isComplete ? text : undefined;
};

// Only own properties: a parameter that is named like a method of objects is missing unless it was passed.
const ownValue = (name: string, values: Values): unknown =>
  Object.hasOwn(values, name) ? values[name] : undefined;

const listOf = <T>(value: T | undefined): T[] | undefined => mapDefined(value, (present) => [present]);

const mapDefined = <T, U>(value: T | undefined, map: (value: T) => U): U | undefined =>
  value === undefined ? undefined : map(value);
