import { pagination, parameters } from '../../http/index.ts';
import {
  clientIdPattern,
  createClientRequest,
  createClientResponse,
  entityTypes,
  getClientResponse,
  getEntityHistoryResponse,
  listClientsResponse,
} from '../schema/index.ts';
import { endpoint } from './endpoint.ts';

const clientId = parameters.matching(clientIdPattern);
const category = 'Clients';
const stability = 'stable';

/** Clients, and the history of changes. */
export const clientRoutes = [
  endpoint(
    {
      name: 'listClients',
      method: 'GET',
      path: '/clients/',
      query: { prefix: parameters.matching(/^[A-Za-z0-9!@/:.+|_-]*$/), ...pagination },
      category,
      title: 'List clients',
      description:
        'Clients in order of their id, in pages; with `prefix`, only those whose id begins with it.',
      stability,
      scopes: 'auth:list-clients',
      output: listClientsResponse,
    },
    ({ auth }, { query }) => auth.listClients(query),
  ),
  endpoint(
    {
      name: 'client',
      method: 'GET',
      path: '/clients/<clientId>',
      params: { clientId },
      category,
      title: 'Get a client',
      description: 'One client, without its access token.',
      stability,
      scopes: 'auth:get-client:<clientId>',
      output: getClientResponse,
    },
    ({ auth }, { params }) => auth.client(params.clientId),
  ),
  endpoint(
    {
      name: 'createClient',
      method: 'PUT',
      path: '/clients/<clientId>',
      params: { clientId },
      category,
      title: 'Create a client',
      description: [
        'Returns the client with its access token: keep it, since nothing shows it again.',
        'The caller needs every scope that the client is given.',
        'A client that is there already is a conflict, unless its creator repeats the same call soon, because',
        'the first answer was lost.',
      ].join('\n'),
      stability,
      scopes: { AllOf: ['auth:create-client:<clientId>', { for: 'scope', in: 'scopes', each: '<scope>' }] },
      input: createClientRequest,
      output: createClientResponse,
    },
    ({ auth }, call) => auth.createClient(call.params.clientId, call.body, call),
  ),
  endpoint(
    {
      name: 'getEntityHistory',
      method: 'GET',
      path: '/audit/<entityType>/<entityId>',
      params: {
        entityType: parameters.matching(new RegExp(`^(${entityTypes.join('|')})$`)),
        entityId: parameters.printableAscii,
      },
      query: pagination,
      category: 'Audit',
      title: 'What was done to an entity',
      description: `Who changed a ${entityTypes.join(', ')}, how and when; the newest first, in pages.`,
      stability,
      scopes: 'auth:audit-history:<entityType>',
      output: getEntityHistoryResponse,
    },
    ({ auth }, { params, query }) => auth.getEntityHistory({ ...params, ...query }),
  ),
  endpoint(
    {
      name: 'listAuditHistory',
      method: 'GET',
      path: '/clients/<clientId>/audit',
      params: { clientId },
      query: pagination,
      category: 'Audit',
      title: 'What a client did',
      description: 'The changes that a client made, the newest first, in pages.',
      stability,
      scopes: 'auth:client-audit-history:<clientId>',
      output: getEntityHistoryResponse,
    },
    ({ auth }, { params, query }) => auth.listAuditHistory({ ...params, ...query }),
  ),
  endpoint(
    {
      name: 'resetAccessToken',
      method: 'POST',
      path: '/clients/<clientId>/reset',
      params: { clientId },
      category,
      title: 'Reset an access token',
      description: [
        'Gives a client a new access token, shown only here.',
        'The old one ends at once, and with it all temporary credentials.',
      ].join('\n'),
      stability,
      scopes: 'auth:reset-access-token:<clientId>',
      output: createClientResponse,
    },
    ({ auth }, call) => auth.resetAccessToken(call.params.clientId, call),
  ),
  endpoint(
    {
      name: 'updateClient',
      method: 'POST',
      path: '/clients/<clientId>',
      params: { clientId },
      category,
      title: 'Update a client',
      description: [
        'Replaces expiry, description and scopes; without `scopes` the client keeps those that it has.',
        'The caller needs each scope that the client did not have, word for word.',
      ].join('\n'),
      stability,
      scopes: {
        AllOf: ['auth:update-client:<clientId>', { for: 'scope', in: 'scopesAdded', each: '<scope>' }],
      },
      input: createClientRequest,
      output: getClientResponse,
    },
    ({ auth }, call) => auth.updateClient(call.params.clientId, call.body, call),
  ),
  endpoint(
    {
      name: 'enableClient',
      method: 'POST',
      path: '/clients/<clientId>/enable',
      params: { clientId },
      category,
      title: 'Enable a client',
      description: 'Lets a disabled client in again. An enabled one stays as it is.',
      stability,
      scopes: 'auth:enable-client:<clientId>',
      output: getClientResponse,
    },
    ({ auth }, call) => auth.enableClient(call.params.clientId, call),
  ),
  endpoint(
    {
      name: 'disableClient',
      method: 'POST',
      path: '/clients/<clientId>/disable',
      params: { clientId },
      category,
      title: 'Disable a client',
      description: 'Refuses the client, and all temporary credentials that it issued, until it is enabled.',
      stability,
      scopes: 'auth:disable-client:<clientId>',
      output: getClientResponse,
    },
    ({ auth }, call) => auth.disableClient(call.params.clientId, call),
  ),
  endpoint(
    {
      name: 'deleteClient',
      method: 'DELETE',
      path: '/clients/<clientId>',
      params: { clientId },
      category,
      title: 'Delete a client',
      description: 'Deletes a client, if there is one. Roles stay as they are.',
      stability,
      scopes: 'auth:delete-client:<clientId>',
    },
    ({ auth }, call) => auth.deleteClient(call.params.clientId, call),
  ),
];
