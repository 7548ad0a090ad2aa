import { type Span, type Tracing, taskRefOf } from '@taskyard/tracing';
import type { FastifyRequest } from 'fastify';
import type { Contract } from './contract.ts';

interface TracedCall {
  /** `/api/queue/v1`; undefined for what is not traced. */
  readonly base: string | undefined;
  readonly contract: Contract;
  readonly params: Readonly<Record<string, string>>;
  readonly requestId: string;
}

/**
 * Begins the span of a call, where calls are traced. Its parent is the one that the caller names. Where a worker names none,
 * what it says about a run is below the span of that run. The path is that of the method: what a URL has in its place may be
 * a secret.
 */
export const beginCall = (
  tracing: Tracing | undefined,
  request: FastifyRequest,
  { base, contract, params, requestId }: TracedCall,
): Span | undefined => {
  if (!tracing || base === undefined) return undefined;
  // Anybody can send a URL, so what names no task or run is not repeated.
  const ref = taskRefOf(params.taskId, params.runId);
  const isOfRun = ref?.runId !== undefined && contract.method !== 'GET';
  const route = contract.atRoot ? contract.path : base + contract.path;
  const own = isOfRun ? tracing.taskSpan(ref) : undefined;
  return tracing.begin(`${contract.method} ${route}`, {
    kind: 'server',
    parent: tracing.callerIn(request.headers) ?? own ?? null,
    attributes: {
      'http.request.method': contract.method,
      'http.route': route,
      'url.scheme': request.protocol,
      'taskyard.method': contract.name,
      'taskyard.request.id': requestId,
      'taskyard.task.id': ref?.taskId,
      'taskyard.run.id': ref?.runId,
    },
  });
};

/** Ends it. As the conventions have it, only a fault of the server makes it a failure. */
export const endCall = (span: Span | undefined, status: number, clientId: string | undefined): void => {
  if (!span) return;
  span.set({ 'http.response.status_code': status, 'taskyard.client.id': clientId });
  if (status >= 500) span.fail(String(status));
  span.end();
};
