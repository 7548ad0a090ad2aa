import { Type } from 'typebox';
import { distinct, printableAsciiPattern } from '../../http/index.ts';
import { scopePattern } from '../scopes/index.ts';

/** The pattern of a clientId. */
export const clientIdPattern = /^[A-Za-z0-9!@/:.+|_-]+$/;

/** Static clients come from the configuration and can be changed only there. */
export const staticPrefix = 'static/';

export const when = (description: string) => Type.String({ format: 'date-time', description });

export const ClientId = Type.String({
  pattern: clientIdPattern.source.replaceAll('\\/', '/'),
  description: 'Names a client.',
});
export const Scope = Type.String({
  pattern: scopePattern.source,
  description: 'Printable ASCII. A final star stands for anything; two are refused.',
});
export const Scopes = distinct(Scope, { description: 'Scopes, each once.' });
export const RoleId = Type.String({
  pattern: printableAsciiPattern.source,
  description: 'Names a role; with a final star it applies to every longer name.',
});
export const AccessToken = Type.String({
  pattern: '^[a-zA-Z0-9_-]{22,66}$',
  description: 'The secret that signs requests.',
});
export const Description = Type.String({
  maxLength: 10240,
  description: 'Markdown: what it is for, and whom to ask.',
});
