import { RequestError } from '../base/index.ts';
import type { Caller, Contract, ScopeExpression, ScopeTemplate } from './contract.ts';

/** Fills a template in; undefined when a parameter is missing. */
export type FillScopes = (
  template: ScopeTemplate,
  values: Readonly<Record<string, unknown>>,
) => ScopeExpression | undefined;

/** Holds a call to its contract's scopes: by the URL at once, or later by values that the handler brings. */
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

  checkByUrl(): void {
    if (this.checked) return;
    const required = this.fillScopes(this.contract.scopes as ScopeTemplate, this.known.params);
    if (required !== undefined) this.require(required);
  }

  readonly check = (values: Readonly<Record<string, unknown>>): void => {
    if (this.contract.scopes === undefined) return;
    const required = this.fillScopes(this.contract.scopes, { ...this.known.params, ...values });
    if (required === undefined) throw new Error(`${this.contract.name}: its scopes need more values`);
    this.require(required);
  };

  /** A handler that answers without having asked for authorization is a hole, not an answer. */
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

const missingScopes = (caller: Caller, required: ScopeExpression): string => {
  const whole = `This request needs the scopes:\n\n${JSON.stringify(required, null, 2)}`;
  if (caller.isAnonymous)
    return `The request carried no credentials, and anonymous callers may not do this.\n${whole}`;
  const missing = leaves(required).filter((scope) => !caller.satisfies(scope));
  return [
    `Client ID ${caller.clientId} does not have sufficient scopes and is missing the following scopes:`,
    ...missing.map((scope) => `  * ${scope}`),
    '',
    whole,
  ].join('\n');
};

const leaves = (expression: ScopeExpression): string[] => {
  if (typeof expression === 'string') return [expression];
  return ('AllOf' in expression ? expression.AllOf : expression.AnyOf).flatMap(leaves);
};
