import type { FastifyInstance } from 'fastify';
import type { ServiceDeclaration } from './contract.ts';
import { apiHeaders } from './headers.ts';
import { openApiDocument } from './openapi.ts';
import { referenceDocuments } from './references.ts';

/** Serves the references and schemas of some services, one document with all of them, and an OpenAPI document. */
export const serveDocuments = (
  app: FastifyInstance,
  declarations: readonly ServiceDeclaration[],
  version: string,
): void => {
  const openApi = JSON.stringify(openApiDocument(declarations, version), null, 2);
  app.get('/openapi.json', (_request, reply) =>
    reply.headers(apiHeaders).header('content-type', 'application/json; charset=utf-8').send(openApi),
  );
  const documents = referenceDocuments(declarations);
  const texts = new Map(
    documents.map(({ filename, content }) => [filename, JSON.stringify(content, null, 2)] as const),
  );
  texts.set('references/references.json', JSON.stringify(documents, null, 2));
  for (const folder of ['references', 'schemas']) {
    app.get(`/${folder}/*`, (request, reply) => {
      const text = texts.get(`${folder}/${(request.params as { '*': string })['*']}`);
      reply.headers(apiHeaders).header('content-type', 'application/json; charset=utf-8');
      return text === undefined ? reply.code(404).send('{"error":"Not found"}') : reply.send(text);
    });
  }
};
