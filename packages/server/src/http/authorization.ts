import { RequestError } from '../base/index.ts';
import type { Caller, Contract, ScopeExpression, ScopeTemplate } from './contract.ts';

/** Fills a template in; undefined when a parameter is missing. */
export type FillScopes = (
  template: ScopeTemplate,
  values: Readonly<Record<string, unknown>>,
) => ScopeExpression | undefined;

/** Checks a call against its contract's scopes: by the URL at once, or later with values from the handler. */
export class Authorization {
  private readonly fillScopes: FillScopes;
  private readonly contract: Contract;
  private readonly known: { caller: Caller; params: Record<string, string> };
  private checked: boolean;

  constructor(
    fillScopes: FillScopes,
    contract: Contract,
    known: { caller: Caller; params: Record<string, string> },
  ) {
    this.fillScopes = fillScopes;
    this.contract = contract;
    this.known = known;
    this.checked = contract.scopes === undefined;
  }

  /** Checks the scopes if the URL alone determines them. */
  checkByUrl(): void {
    if (this.checked) return;
    const required = this.fillScopes(this.contract.scopes as ScopeTemplate, this.known.params);
    if (required !== undefined) this.require(required);
  }

  /**
   * Refuses callers who lack the scopes whatever the body says, so that their large bodies are not validated. Small bodies
   * are validated first, so that such callers learn of mistakes in them.
   */
  checkAnyBody(): void {
    if (this.checked || !this.contract.input) return;
    const template = this.contract.scopes as ScopeTemplate;
    if (!mayEverSatisfy(this.known.caller, template))
      throw new RequestError(
        'InsufficientScopes',
        missingScopes(this.known.caller, this.filledByUrl(template)),
      );
  }

  /** The template with the parameters of the URL filled in. Those that come from the body stay parameters. */
  private filledByUrl(template: ScopeTemplate): ScopeTemplate {
    const text = JSON.stringify(template).replace(/<(\w+)>/g, (whole, name: string) =>
      JSON.stringify(this.known.params[name] ?? whole).slice(1, -1),
    );
    return JSON.parse(text) as ScopeTemplate;
  }

  readonly check = (values: Readonly<Record<string, unknown>>): void => {
    if (this.contract.scopes === undefined) return;
    const required = this.fillScopes(this.contract.scopes, { ...this.known.params, ...values });
    if (required === undefined) throw new Error(`${this.contract.name}: its scopes need more values`);
    this.require(required);
  };

  /** Throws when a handler returned without checking authorization: its result must not be sent. */
  confirm(): void {
    if (!this.checked) throw new Error(`${this.contract.name} answered without a check of its scopes`);
  }

  private require(required: ScopeExpression): void {
    const { caller } = this.known;
    if (!caller.satisfies(required))
      throw new RequestError('InsufficientScopes', missingScopes(caller, required));
    this.checked = true;
  }
}

/** Templates that callers can satisfy with some body. Callers are objects that auth caches. */
const satisfiable = new WeakMap<Caller, Set<ScopeTemplate>>();

const mayEverSatisfy = (caller: Caller, template: ScopeTemplate): boolean => {
  const known = satisfiable.get(caller) ?? new Set();
  if (known.has(template)) return true;
  if (!isSatisfiable(template, caller.scopes)) return false;
  satisfiable.set(caller, known.add(template));
  return true;
};

/** Whether these scopes could satisfy the template with some parameters. False only when they certainly cannot. */
const isSatisfiable = (template: ScopeTemplate, scopes: readonly string[]): boolean => {
  if (typeof template === 'string') return isTextSatisfiable(template, scopes);
  if ('AllOf' in template) return template.AllOf.every((part) => isSatisfiable(part, scopes));
  if ('AnyOf' in template) return template.AnyOf.some((part) => isSatisfiable(part, scopes));
  // A list may be empty.
  if ('for' in template) return true;
  return (
    template.else === undefined || [template.then, template.else].some((part) => isSatisfiable(part, scopes))
  );
};

const isTextSatisfiable = (template: string, scopes: readonly string[]): boolean => {
  const open = template.indexOf('<');
  if (open < 0) return scopes.some((scope) => covers(scope, template));
  const start = template.slice(0, open);
  return scopes.some((scope) => scope.startsWith(start) || covers(scope, start));
};

const covers = (held: string, scope: string): boolean =>
  held === scope || (held.endsWith('*') && scope.startsWith(held.slice(0, -1)));

const linesMax = 50;
const wholeCharactersMax = 10_000;

const cut = (text: string): string =>
  text.length > wholeCharactersMax ? `${text.slice(0, wholeCharactersMax)}…` : text;

const missingScopes = (caller: Caller, required: ScopeExpression | ScopeTemplate): string => {
  const whole = `This request needs the scopes:\n\n${cut(JSON.stringify(required, null, 2))}`;
  if (caller.isAnonymous)
    return `The request carried no credentials, and anonymous callers may not do this.\n${whole}`;
  const missing = missingIn(required, caller);
  const more = missing.length > linesMax ? [`  and ${missing.length - linesMax} more`] : [];
  return [
    `Client ID ${caller.clientId} does not have sufficient scopes and is missing the following scopes:`,
    ...missing.slice(0, linesMax).map((scope) => cut(`  * ${scope}`)),
    ...more,
    '',
    whole,
  ].join('\n');
};

/** The scopes of an expression or template that a caller lacks, parameters included; none of alternatives that it has one of. */
const missingIn = (expression: ScopeExpression | ScopeTemplate, caller: Caller): string[] => {
  if (typeof expression === 'string') return caller.satisfies(expression) ? [] : [expression];
  if ('AllOf' in expression) return expression.AllOf.flatMap((part) => missingIn(part, caller));
  if (!('AnyOf' in expression) || isHeld(expression, caller)) return [];
  return expression.AnyOf.flatMap((part) => missingIn(part, caller));
};

/** What a template asks for each of some values, or under a condition, is not known to be held. */
const isHeld = (expression: ScopeExpression | ScopeTemplate, caller: Caller): boolean => {
  if (typeof expression === 'string') return caller.satisfies(expression);
  if ('AllOf' in expression) return expression.AllOf.every((part) => isHeld(part, caller));
  return 'AnyOf' in expression && expression.AnyOf.some((part) => isHeld(part, caller));
};
