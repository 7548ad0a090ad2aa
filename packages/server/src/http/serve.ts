import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Span, Tracing } from '@taskyard/tracing';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Clock, type Logger, RequestError } from '../base/index.ts';
import { Authorization, type FillScopes } from './authorization.ts';
import { isJson, parseBody, readBodies, requireStorableBody } from './body.ts';
import {
  bodyBytesMax,
  boundBody,
  bytesMaxFrom,
  hasLargeBody,
  limitBodyTime,
  requireBoundedBody,
  sendContinue,
  takesTurn,
  tooLarge,
} from './body-limits.ts';
import { parseParams, parseQuery } from './call-parameters.ts';
import {
  type BodyProof,
  type Call,
  type Caller,
  type Contract,
  JsonText,
  type Parameters,
  Reply,
  type RequestHead,
  type Route,
  type ServiceDeclaration,
  type SignedRequest,
} from './contract.ts';
import { compressReplies } from './encodings.ts';
import { failureReply } from './failure.ts';
import { apiHeaders } from './headers.ts';
import { monitoringContracts, monitoringRoutes, type ProcessFacts } from './monitoring.ts';
import { pathValues, routerPaths } from './router-paths.ts';
import { beginCall, endCall } from './spans.ts';
import { whileStanding } from './standing.ts';
import { awaitTurn } from './turns.ts';
import { mistakesIn, mistakesInSlices, schemaPath } from './validation.ts';

/** What the floors above provide. */
export interface ServeContext {
  readonly clock: Clock;
  readonly log: Logger;
  readonly process: ProcessFacts;
  /** The sender of a request, by its head alone, before any of the body is read. `since`: when it arrived, if earlier. */
  authenticate(head: RequestHead, since?: Date): Promise<Caller>;
  /** Refuses a body other than the one that the request signed, if it signed one. */
  requirePayload?(request: SignedRequest): Promise<void>;
  /** The client that a request claims to come from although its signature was refused, for the log. */
  claimedId?(head: RequestHead): string | undefined;
  readonly fillScopes: FillScopes;
  /** Returns a function that is called after each call of a method, with the status of the reply and its duration. */
  watchMethod?(service: string, method: string): ObserveCall;
  /** Called once for each request to a method that looks at credentials, with what became of these. */
  observeCredentials?(outcome: CredentialsOutcome): void;
  /** Present where traces are exported. */
  readonly tracing?: Tracing | undefined;
  /** Checks every reply against its schema: for tests. */
  readonly checkReplies?: boolean;
}

/** Whether a request was signed, refused because of its signature, or came without credentials. */
export type CredentialsOutcome = 'accepted' | 'refused' | 'none';

export type ObserveCall = (status: number, seconds: number) => void;

/** An error reply repeats a body of up to this many bytes. */
const echoedBytesMax = 100_000;

/** Registers the API of some services. `services` is passed to the handlers. */
export const serve = <Services extends object>(
  app: FastifyInstance,
  deps: ServeContext,
  { declarations, services }: { declarations: readonly ServiceDeclaration<Services>[]; services: Services },
): void => {
  readBodies(app);
  compressReplies(app);
  app.options('/api/*', allowEveryone);
  const everything = { ...services, process: deps.process };
  // Monitoring need not know the services of a deployment.
  for (const route of monitoringRoutes.filter(({ contract }) =>
    contract.path.startsWith('/__'),
  ) as Route<object>[])
    addRoute(app, route.contract.path, { route, services: everything, deps, observe: () => {} });
  for (const { service, routes } of declarations) {
    const base = `/api/${service.serviceName}/v1`;
    for (const route of [...monitoringRoutes, ...routes] as Route<object>[]) {
      const observe = deps.watchMethod?.(service.serviceName, route.contract.name) ?? (() => {});
      const { atRoot, path: rootPath } = route.contract;
      if (atRoot) app.options(rootPath, allowEveryone);
      const tracedBase = monitoringContracts.includes(route.contract) ? undefined : base;
      const endpoint = { route, base: tracedBase, services: everything, deps, observe };
      for (const path of routerPaths(route.contract)) addRoute(app, atRoot ? path : base + path, endpoint);
    }
  }
};

/** Lets pages of other sites call, without cookies: no reply allows a browser to send what it keeps for us. */
const allowEveryone = (_request: FastifyRequest, reply: FastifyReply): FastifyReply =>
  reply.headers(apiHeaders).code(200).send('');

interface Endpoint {
  readonly route: Route<object>;
  /** `/api/queue/v1`; undefined for monitoring, which is not traced. */
  readonly base?: string | undefined;
  readonly services: object;
  readonly deps: ServeContext;
  readonly observe: ObserveCall;
}

// Unique in a deployment: random for each process, counted within it.
const processId = randomUUID();
let requests = 0;
const nextRequestId = (): string => `${processId}-${(++requests).toString(36)}`;

const addRoute = (app: FastifyInstance, url: string, endpoint: Endpoint): void => {
  const { contract } = endpoint.route;
  app.route({
    method: contract.method,
    url,
    bodyLimit: bodyBytesMax(contract),
    onRequest: (request, reply) => admit(endpoint, request, reply),
    preParsing: (request, _reply, body, done) =>
      done(null, boundBody(body, admitted.get(request) as Admitted)),
    errorHandler: (error, request, reply) => refuseUnread(endpoint, error, { request, reply }),
    handler: (request, reply) => answer(endpoint, request, reply),
  });
};

/** What is known of a request before its body is read. */
interface Admitted {
  readonly started: number;
  readonly ids: Ids;
  readonly params: Record<string, string>;
  readonly caller: Caller;
  readonly authorization: Authorization;
  readonly proof: BodyProof | undefined;
  readonly span: Span | undefined;
}

const admitted = new WeakMap<FastifyRequest, Admitted>();

/** Identifies the caller and checks scopes by the head of the request. The body of a refused request is discarded. */
const admit = async (endpoint: Endpoint, request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
  const { route, base, services, deps } = endpoint;
  const { contract } = route;
  const started = performance.now();
  const ids = identify(request, reply);
  const params = pathValues(contract, request.params as Record<string, string>);
  const head = headOf(request);
  const { requestId } = ids;
  const span = beginCall(deps.tracing, request, { base, contract, params, requestId });
  let caller: Caller | undefined;
  try {
    caller = await deps.authenticate(contract.scopes === undefined ? unsigned(head) : head);
    if (contract.scopes !== undefined) deps.observeCredentials?.(caller.isAnonymous ? 'none' : 'accepted');
    const authorization = new Authorization(deps.fillScopes, contract, { caller, params });
    authorization.checkByUrl();
    const proof = route.admitHead?.(services, head);
    if (hasLargeBody(request)) authorization.checkAnyBody();
    requireBoundedBody(contract, caller, request);
    admitted.set(request, { started, ids, params, caller, authorization, proof, span });
    limitBodyTime(request, deps.clock);
    sendContinue(reply);
    return;
  } catch (error) {
    if (isAuthenticationFailure(error)) {
      if (!caller) deps.observeCredentials?.('refused');
      const claimedId = deps.claimedId?.(head);
      deps.log.warn({ claimedId, address: request.ip, requestId: ids.requestId }, 'a signature was refused');
    }
    refuse(endpoint, error, { reply, params, payload: {}, isLarge: false });
    const ms = performance.now() - started;
    record(endpoint, reply.statusCode, {
      ...ids,
      ms,
      clientId: caller?.clientId,
      taskId: params.taskId,
      span,
    });
    return reply;
  }
};

const isAuthenticationFailure = (error: unknown): boolean =>
  error instanceof RequestError && error.code === 'AuthenticationFailed';

interface Refused {
  readonly reply: FastifyReply;
  readonly params: Record<string, string>;
  readonly payload: unknown;
  readonly isLarge: boolean;
}

const refuse = ({ route, deps }: Endpoint, error: unknown, { reply, ...request }: Refused): FastifyReply => {
  const { contract } = route;
  const failure = failureReply(error, { ...request, contract, time: deps.clock.now() }, deps.log);
  if (failure.status === 401) reply.header('www-authenticate', 'hawk');
  return sendJson(reply.code(failure.status), JSON.stringify(failure.body));
};

const answer = async (
  endpoint: Endpoint,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const { route, services, deps } = endpoint;
  const { contract } = route;
  const { started, ids, params, caller, authorization, proof, span } = admitted.get(request) as Admitted;
  const signed: SignedRequest = {
    ...headOf(request),
    payload: (request.body as string | undefined) ?? '',
  };
  let payload: unknown;
  try {
    if (takesTurn(signed.payload)) await awaitTurn();
    if (contract.scopes !== undefined) await deps.requirePayload?.(signed);
    const refusal = proof?.refusal();
    if (refusal) throw refusal;
    if (contract.signedByOthers) payload = {};
    else payload = await parseBody(request, { caller, checkAnyBody: () => authorization.checkAnyBody() });
    const call: Call<Parameters, Parameters, never> = {
      params: parseParams(contract, params),
      query: parseQuery(contract, request.query as Record<string, string | string[]>),
      body: (await checkedBody(contract, payload, request)) as never,
      caller,
      authorize: authorization.check,
      signal: contract.waits ? standing(endpoint, params, { request, reply }) : neverGone,
      request: signed,
    };
    const handle = () => route.handle(services, call);
    const value = await (span && deps.tracing ? deps.tracing.within(span, handle) : handle());
    authorization.confirm();
    if (deps.checkReplies) checkReply(contract, value);
    return send(reply, value);
  } catch (error) {
    const isLarge = signed.payload.length > echoedBytesMax;
    return refuse(endpoint, error, { reply, params, payload, isLarge });
  } finally {
    const ms = performance.now() - started;
    const { clientId } = caller;
    record(endpoint, reply.statusCode, { ...ids, ms, clientId, taskId: params.taskId, span });
  }
};

/** Checks a waiting caller again: its signature, as of the time of the request, and the scopes that the URL needs. */
const standing = (
  { route: { contract }, deps }: Endpoint,
  params: Record<string, string>,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): AbortSignal => {
  const since = deps.clock.now();
  const requireStanding = async (): Promise<void> => {
    const caller = await deps.authenticate(headOf(request), since);
    new Authorization(deps.fillScopes, contract, { caller, params }).checkByUrl();
  };
  return whileStanding(reply, { clock: deps.clock, requireStanding });
};

const headOf = ({ method, raw, headers }: FastifyRequest): RequestHead => ({
  method,
  url: raw.url ?? '',
  headers,
});

interface Ids {
  readonly traceId: string;
  readonly requestId: string;
}

/** Gives a request its id, and the id of its chain of calls: the caller's if it sent one. */
const identify = (request: FastifyRequest, reply: FastifyReply): Ids => {
  const requestId = nextRequestId();
  const given = request.headers['x-taskcluster-trace-id'];
  const traceId = typeof given === 'string' ? given : requestId;
  reply.headers(apiHeaders).header('x-for-trace-id', traceId).header('x-for-request-id', requestId);
  return { traceId, requestId };
};

interface CallFacts {
  readonly ms: number;
  readonly traceId: string;
  readonly requestId: string;
  readonly clientId?: string | undefined;
  readonly taskId?: string | undefined;
  readonly span?: Span | undefined;
}

/** Logs one line for each call and makes one observation. The line contains nothing from the body or the headers. */
const record = ({ route, deps, observe }: Endpoint, status: number, facts: CallFacts): void => {
  const { ms, clientId, taskId, traceId, requestId, span } = facts;
  observe(status, ms / 1000);
  endCall(span, status, clientId);
  deps.log.info(
    {
      name: route.contract.name,
      status,
      ms: Math.round(ms * 100) / 100,
      clientId,
      taskId,
      traceId,
      requestId,
    },
    'api call',
  );
};

/** Methods without scopes are open to everyone, also to callers with bad credentials. */
const unsigned = ({ method }: RequestHead): RequestHead => ({ method, url: '', headers: {} });

const checkedBody = async (
  { input, keepsText }: Contract,
  payload: unknown,
  request: FastifyRequest,
): Promise<unknown> => {
  if (!input) return payload;
  if (!isJson(request)) {
    throw new RequestError(
      'MalformedPayload',
      'The body must be JSON, sent with content-type application/json.',
    );
  }
  if (!keepsText) requireStorableBody(request, payload);
  const mistakes = await mistakesInSlices(input, payload);
  if (mistakes.length === 0) return payload;
  const list = mistakes.map((mistake) => `  * ${mistake}`).join('\n');
  throw new RequestError(
    'InputValidationError',
    `Schema Validation Failed!\nThe body does not fit ${schemaPath(input)}:\n${list}`,
  );
};

const neverGone = new AbortController().signal;

const sendJson = (reply: FastifyReply, text: string): FastifyReply =>
  reply.header('content-type', 'application/json; charset=utf-8').send(text);

const send = (reply: FastifyReply, value: unknown): FastifyReply => {
  if (value === undefined) return reply.code(204).send();
  if (value instanceof JsonText) return sendJson(reply, value.text);
  if (!(value instanceof Reply)) return sendJson(reply, JSON.stringify(value));
  reply.code(value.status).headers(value.headers);
  for (const cookie of value.cookies) reply.header('set-cookie', cookie);
  if (value.body instanceof Readable || typeof value.body === 'string') return reply.send(value.body);
  return value.body === undefined ? reply.send() : sendJson(reply, JSON.stringify(value.body));
};

const checkReply = ({ name, output }: Contract, value: unknown): void => {
  if (!output || output === 'blob' || value instanceof Reply || value === undefined) return;
  const body = JSON.parse(value instanceof JsonText ? value.text : JSON.stringify(value)) as unknown;
  const mistakes = mistakesIn(output, body);
  if (mistakes.length > 0) throw new Error(`The reply of ${name} breaks its schema: ${mistakes.join('; ')}`);
};

/** Replies to a request whose body could not be read. */
const refuseUnread = (
  endpoint: Endpoint,
  error: Error & { code?: string },
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): FastifyReply => {
  const { contract } = endpoint.route;
  const known = admitted.get(request);
  const bytesMax = bytesMaxFrom(contract, known?.caller);
  const refusal =
    error.code === 'FST_ERR_CTP_BODY_TOO_LARGE'
      ? tooLarge(bytesMax)
      : error.code?.startsWith('FST_ERR_CTP')
        ? new RequestError('MalformedPayload', error.message)
        : error;
  const params = request.params as Record<string, string>;
  refuse(endpoint, refusal, { reply, params, payload: {}, isLarge: false });
  const ids = known?.ids ?? identify(request, reply);
  const clientId = known?.caller.clientId;
  const { taskId } = params;
  record(endpoint, reply.statusCode, { ...ids, ms: reply.elapsedTime, clientId, taskId, span: known?.span });
  return reply;
};
