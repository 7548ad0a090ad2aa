import type { Contract, Parameters, PublishedSchema, ServiceDeclaration } from './contract.ts';
import { publishedContracts, schemasOf } from './references.ts';
import { scopeText } from './scope-text.ts';

/**
 * The whole API as an OpenAPI 3.1 document: every published method of every service, with its scopes in words and as
 * data (`x-scopes`). Shapes of the document: https://spec.openapis.org/oas/v3.1.1.html
 */
export const openApiDocument = (declarations: readonly ServiceDeclaration[], version: string): object => ({
  openapi: '3.1.0',
  info: {
    title: 'Taskyard',
    version,
    description:
      'Every method of every service. A request is signed with Hawk, or with a bewit in its URL; one without either has the rights of everybody.',
    license: { name: 'Mozilla Public License 2.0', identifier: 'MPL-2.0' },
  },
  servers: [{ url: '/' }],
  tags: declarations.map(({ service }) => ({ name: service.serviceName, description: service.description })),
  security: [{}, { hawk: [] }, { bewit: [] }],
  paths: pathsOf(declarations),
  components: {
    securitySchemes: {
      hawk: { type: 'http', scheme: 'hawk', description: 'clientId and accessToken, as id and key.' },
      bewit: { type: 'apiKey', in: 'query', name: 'bewit', description: 'A signed URL, for GET and HEAD.' },
    },
    responses: { Refused: refused },
    schemas: {
      Error: errorBody,
      ...Object.fromEntries(declarations.flatMap(schemasOf).map((shape) => [nameOf(shape), shape.schema])),
    },
  },
});

const pathsOf = (declarations: readonly ServiceDeclaration[]): Record<string, Record<string, object>> => {
  const paths: Record<string, Record<string, object>> = {};
  for (const declaration of declarations) {
    const { serviceName } = declaration.service;
    for (const contract of publishedContracts(declaration)) {
      const path = `/api/${serviceName}/v1${contract.path.replace(/<([^>]+)>/g, '{$1}')}`;
      paths[path] = { ...paths[path], [contract.method.toLowerCase()]: operation(serviceName, contract) };
    }
  }
  return paths;
};

const operation = (service: string, contract: Contract): object => ({
  operationId: `${service}.${contract.name}`,
  tags: [service],
  summary: contract.title,
  description: `${contract.description}\n\nScopes: ${contract.scopes ? scopeText(contract.scopes) : 'none'}.`,
  ...(contract.stability === 'deprecated' ? { deprecated: true } : {}),
  'x-stability': contract.stability,
  ...(contract.scopes ? { 'x-scopes': contract.scopes } : {}),
  parameters: [
    ...[...contract.path.matchAll(/<([^>]+)>/g)].map(([, name = '']) => ({
      name,
      in: 'path',
      required: true,
      schema: textLike(contract.params, name),
    })),
    ...Object.keys(contract.query ?? {}).map((name) => ({
      name,
      in: 'query',
      schema: textLike(contract.query, name),
    })),
  ],
  ...(contract.input ? { requestBody: { required: true, content: json(reference(contract.input)) } } : {}),
  responses: { ...success(contract), default: { $ref: '#/components/responses/Refused' } },
});

const success = ({ output }: Contract): object => {
  if (output === undefined) return { '2XX': { description: 'Done.' } };
  if (output === 'blob')
    return { '2XX': { description: 'The bytes.' }, 303: { description: 'Where they are.' } };
  return { 200: { description: 'Done.', content: json(reference(output)) } };
};

const textLike = (parameters: Parameters | undefined, name: string): object => {
  const pattern = parameters?.[name]?.pattern;
  return { type: 'string', ...(pattern ? { pattern: pattern.source.replaceAll('\\/', '/') } : {}) };
};

const json = (schema: object): object => ({ 'application/json': { schema } });

const nameOf = ({ service, name }: PublishedSchema): string => `${service}.${name}`;

const reference = (shape: PublishedSchema): object => ({ $ref: `#/components/schemas/${nameOf(shape)}` });

const errorBody = {
  type: 'object',
  description: 'Why a request was refused.',
  required: ['code', 'message', 'requestInfo'],
  properties: {
    code: { type: 'string', description: 'A word for programs, such as `InsufficientScopes`.' },
    message: { type: 'string', description: 'A text for people.' },
    requestInfo: {
      type: 'object',
      description: 'What was asked for.',
      required: ['method', 'params', 'payload', 'time'],
      properties: {
        method: { type: 'string' },
        params: { type: 'object' },
        payload: { type: 'object' },
        time: { type: 'string', format: 'date-time' },
      },
    },
  },
};

const refused = {
  description:
    '400: the request is malformed; 401: its credentials are; 403: they lack scopes; 404: there is no such thing; 409: it cannot be changed so; 410: it has expired; 413: the body is too large; 5XX: a fault of the server, worth another try.',
  content: json({ $ref: '#/components/schemas/Error' }),
};
