import type { FastifyInstance } from 'fastify';
import type { ServiceDeclaration } from './contract.ts';
import { apiHeaders } from './headers.ts';
import { openApiDocument } from './openapi.ts';
import { referenceDocuments } from './references.ts';

/** What a function returns, made when it is first asked for: a start of the server does not wait for it. */
const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
};

const textsOf = (documents: ReturnType<typeof referenceDocuments>): ReadonlyMap<string, string> =>
  new Map([
    ...documents.map(({ filename, content }) => [filename, JSON.stringify(content, null, 2)] as const),
    ['references/references.json', JSON.stringify(documents, null, 2)],
  ]);

/** Serves the references and schemas of some services, one document with all of them, and an OpenAPI document. */
export const serveDocuments = (
  app: FastifyInstance,
  declarations: readonly ServiceDeclaration[],
  version: string,
): void => {
  const openApi = once(() => JSON.stringify(openApiDocument(declarations, version), null, 2));
  app.get('/openapi.json', (_request, reply) =>
    reply.headers(apiHeaders).header('content-type', 'application/json; charset=utf-8').send(openApi()),
  );
  const texts = once(() => textsOf(referenceDocuments(declarations)));
  for (const folder of ['references', 'schemas']) {
    app.get(`/${folder}/*`, (request, reply) => {
      const text = texts().get(`${folder}/${(request.params as { '*': string })['*']}`);
      reply.headers(apiHeaders).header('content-type', 'application/json; charset=utf-8');
      return text === undefined ? reply.code(404).send('{"error":"Not found"}') : reply.send(text);
    });
  }
};
