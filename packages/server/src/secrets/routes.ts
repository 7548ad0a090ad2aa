import { pagination, parameters, type Route, routeFor } from '../http/index.ts';
import * as schema from './schema.ts';
import type { SecretVerbs } from './service.ts';

/** The services that the handlers of secrets use. */
export interface SecretServices {
  readonly secrets: SecretVerbs;
}

const endpoint = routeFor<SecretServices>();

const about = { category: 'Secrets Service', stability: 'stable' } as const;
const ofOne = {
  ...about,
  path: '/secret/<name>',
  rest: 'name',
  params: { name: parameters.matching(schema.namePattern) },
} as const;

/** The methods of the service `secrets`. */
export const routes: readonly Route<SecretServices>[] = [
  endpoint(
    {
      ...ofOne,
      name: 'set',
      method: 'PUT',
      scopes: 'secrets:set:<name>',
      input: schema.secret,
      secretInput: true,
      keepsText: true,
      title: 'Keep a secret',
      description: 'Keeps a secret under a name until it expires, in place of what the name stood for.',
    },
    ({ secrets }, { params, body, caller: { clientId } }) => secrets.set({ ...params, ...body, clientId }),
  ),
  endpoint(
    {
      ...ofOne,
      name: 'remove',
      method: 'DELETE',
      scopes: 'secrets:set:<name>',
      title: 'Remove a secret',
      description: 'Deletes a secret. When there is no such secret, nothing happens.',
    },
    ({ secrets }, { params, caller: { clientId } }) => secrets.remove({ ...params, clientId }),
  ),
  endpoint(
    {
      ...ofOne,
      name: 'get',
      method: 'GET',
      scopes: 'secrets:get:<name>',
      output: schema.secret,
      title: 'Read a secret',
      description: 'The secret of a name; 404 when there is no such secret, 410 when it has expired.',
    },
    ({ secrets }, { params }) => secrets.get(params.name),
  ),
  endpoint(
    {
      ...about,
      name: 'list',
      method: 'GET',
      path: '/secrets',
      query: pagination,
      scopes: 'secrets:list-secrets',
      output: schema.secretList,
      title: 'List secrets',
      description: 'The names of secrets, in their order; never their contents.',
    },
    ({ secrets }, { query }) => secrets.list(query),
  ),
];
