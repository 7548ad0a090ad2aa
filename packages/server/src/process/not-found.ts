import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, errorStatuses, systemClock } from '../base/index.ts';
import { declarations } from '../declarations.ts';
import { apiHeaders } from '../http/index.ts';

/** Refuses a request that matches no method, in the form of all refusals. `message` is a sentence for people. */
const refuse = (reply: FastifyReply, code: ErrorCode, message: string): FastifyReply =>
  reply
    .code(errorStatuses[code])
    .headers(apiHeaders)
    .send({
      code,
      message,
      requestInfo: { method: '', params: {}, payload: {}, time: systemClock.now().toJSON() },
    });

const quoted = (url: string): string => JSON.stringify(url.slice(0, 200));

/** Refuses a URL that cannot be routed. */
export const refuseUrl = (url: string, reply: FastifyReply): FastifyReply =>
  refuse(reply, 'InvalidRequestArguments', `The URL ${quoted(url)} is not percent-encoded as it should be.`);

const serviceNames = declarations.map(({ service }) => service.serviceName);

const notFoundMessage = (method: string, path: string): string => {
  const [, serviceName] = path.match(/^\/api\/([^/]+)/) ?? [];
  if (serviceName === undefined) return `There is nothing at ${quoted(path)}.`;
  if (!serviceNames.includes(serviceName)) {
    return `This server has no service ${quoted(serviceName)}. It has ${serviceNames.join(', ')}.`;
  }
  return `The service ${serviceName} has no method ${method} ${quoted(path)}. Its methods are listed at /references/${serviceName}/v1/api.json.`;
};

/** Replies 404 to an unknown path: names the missing service, or the missing method of its service. */
const answerNotFound = ({ method, url }: FastifyRequest, reply: FastifyReply): FastifyReply =>
  refuse(reply, 'ResourceNotFound', notFoundMessage(method, url.replace(/\?.*/s, '')));

/** Lets a server refuse unknown paths by the head of the request: a caller that asks whether to send its body is not kept waiting. */
export const refuseUnknownPaths = (server: FastifyInstance): void => {
  server.setNotFoundHandler(answerNotFound);
  server.addHook('onRequest', (request, reply, done) => {
    if (request.is404) answerNotFound(request, reply);
    else done();
  });
};
