import { commonSchemas } from './common-schemas.ts';
import type {
  Contract,
  ExchangeDeclaration,
  PublishedSchema,
  ReferenceDocument,
  ServiceDeclaration,
} from './contract.ts';
import { monitoringContracts } from './monitoring.ts';
import { schemaPath } from './validation.ts';

const parametersOf = (path: string): string[] =>
  [...path.matchAll(/<([^>]+)>/g)].map((match) => match[1] as string);

const shortName = ({ name }: PublishedSchema): string => `v1/${name}.json#`;

const apiEntry = (contract: Contract) => ({
  type: 'function',
  name: contract.name,
  method: contract.method.toLowerCase(),
  route: contract.path,
  args: parametersOf(contract.path),
  query: Object.keys(contract.query ?? {}),
  category: contract.category,
  title: contract.title,
  description: contract.description,
  stability: contract.stability,
  ...(contract.scopes === undefined ? {} : { scopes: contract.scopes }),
  ...(contract.input ? { input: shortName(contract.input) } : {}),
  ...(contract.output ? { output: contract.output === 'blob' ? 'blob' : shortName(contract.output) } : {}),
});

const exchangeEntry = ({ schema, ...entry }: ExchangeDeclaration) => ({
  type: 'topic-exchange',
  ...entry,
  schema: shortName(schema),
});

/** Every published contract of a service, the monitoring ones first. */
export const publishedContracts = (declaration: ServiceDeclaration): Contract[] => [
  ...monitoringContracts,
  ...declaration.routes.map((route) => route.contract).filter((contract) => !contract.hidden),
];

/** Every schema that a service publishes, each once. */
export const schemasOf = (declaration: ServiceDeclaration): PublishedSchema[] => {
  const used = [
    ...publishedContracts(declaration).flatMap(({ input, output }) => [
      input,
      output === 'blob' ? undefined : output,
    ]),
    ...(declaration.exchanges ?? []).map((exchange) => exchange.schema),
    ...(declaration.schemas ?? []),
  ].filter((schema) => schema !== undefined);
  return [...new Map(used.map((schema) => [schemaPath(schema), schema])).values()];
};

const schemaDocument = (published: PublishedSchema): ReferenceDocument => ({
  filename: schemaPath(published).slice(1, -1),
  content: {
    $schema: '/schemas/common/metaschema.json#',
    $id: schemaPath(published),
    ...(JSON.parse(JSON.stringify(published.schema)) as object),
  },
});

const apiDocument = (declaration: ServiceDeclaration): ReferenceDocument => ({
  filename: `references/${declaration.service.serviceName}/v1/api.json`,
  content: {
    $schema: '/schemas/common/api-reference-v0.json#',
    apiVersion: 'v1',
    ...declaration.service,
    entries: publishedContracts(declaration).map(apiEntry),
  },
});

/** What the names of a service's exchanges begin with, unless an operator chose another prefix. */
const exchangePrefix = ({ service }: ServiceDeclaration): string =>
  `exchange/taskcluster-${service.serviceName}/v1/`;

/** The full names of all exchanges of some services. */
export const exchangeNames = (declarations: readonly ServiceDeclaration[]): string[] =>
  declarations.flatMap((declaration) =>
    (declaration.exchanges ?? []).map(({ exchange }) => exchangePrefix(declaration) + exchange),
  );

const exchangesDocument = (declaration: ServiceDeclaration): ReferenceDocument[] =>
  declaration.exchanges
    ? [
        {
          filename: `references/${declaration.service.serviceName}/v1/exchanges.json`,
          content: {
            $schema: '/schemas/common/exchanges-reference-v0.json#',
            apiVersion: 'v1',
            ...declaration.service,
            exchangePrefix: exchangePrefix(declaration),
            entries: declaration.exchanges.map(exchangeEntry),
          },
        },
      ]
    : [];

/** All documents that a list of services publishes: references, schemas, and the manifest that lists them. */
export const referenceDocuments = (declarations: readonly ServiceDeclaration[]): ReferenceDocument[] => {
  const references = declarations.flatMap((declaration) => [
    apiDocument(declaration),
    ...exchangesDocument(declaration),
  ]);
  const schemas = declarations.flatMap(schemasOf).map(schemaDocument);
  const manifest = {
    filename: 'references/manifest.json',
    content: {
      $schema: '/schemas/common/manifest-v3.json#',
      references: references.map(({ filename }) => `/${filename}`).sort(),
    },
  };
  return [...references, ...schemas, ...commonSchemas, manifest];
};
