import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  type Attributes as OtelAttributes,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { type ExportResult, ExportResultCode, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type IdGenerator,
  RandomIdGenerator,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import { isTaskId, spanIdOf, traceIdOf } from './identity.ts';
import type { TracingSource } from './open.ts';
import type { Attributes, Span, SpanOptions, TaskRef, Tracing } from './tracing.ts';

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/** The most links that a span keeps, as OpenTelemetry has it by default. */
const linksMax = 128;

/** An endpoint that is away must not hold up a process that ends: least of all one that has never taken anything. */
const closeWithinMs = { tried: 5000, untried: 1000 };

/** The version of this package, which is released together with the others. */
const ownVersion = (): string => {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
};

const asOtel = (attributes: Attributes): OtelAttributes => attributes as OtelAttributes;

/** A span of ours, or one of a caller. */
class KnownSpan implements Span {
  readonly traceId: string;
  readonly isSampled: boolean;
  /** What spans below it begin with. */
  readonly context: Context;
  readonly span: OtelSpan;
  #hasEnded = false;

  constructor(span: OtelSpan) {
    const { traceId, traceFlags } = span.spanContext();
    this.traceId = traceId;
    this.isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
    this.context = trace.setSpan(ROOT_CONTEXT, span);
    this.span = span;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  set(attributes: Attributes): void {
    this.span.setAttributes(asOtel(attributes));
  }

  fail(type: string): void {
    this.span.setAttribute('error.type', type);
    this.span.setStatus({ code: SpanStatusCode.ERROR });
  }

  end(at?: Date): void {
    this.#hasEnded = true;
    this.span.end(at);
  }
}

/** Random ids, except for the span that is begun next, if its ids are known. */
class Ids implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #next: { traceId?: string; spanId?: string } = {};

  /** Begins a span with these ids. */
  use<T>(ids: { traceId?: string; spanId?: string }, begin: () => T): T {
    this.#next = ids;
    try {
      return begin();
    } finally {
      this.#next = {};
    }
  }

  generateTraceId = (): string => this.#next.traceId ?? this.#random.generateTraceId();
  generateSpanId = (): string => this.#next.spanId ?? this.#random.generateSpanId();
}

/** Why an export failed. What Node says of a host with several addresses has a code, but no message. */
const reasonOf = (error: (Error & { code?: unknown }) | undefined): string =>
  error?.message || String(error?.code ?? 'the endpoint refused them');

/** Reports the first failure of an exporter, and the first after a success. */
class ReportingExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #onError: (message: string) => void;
  #isFailing = false;
  #hasSucceeded = false;
  #isGivenUp = false;

  constructor(exporter: SpanExporter, onError: (message: string) => void) {
    this.#exporter = exporter;
    this.#onError = onError;
  }

  /**
   * To be called before the process ends: an endpoint that took nothing just now gets nothing more. Returns how long to
   * wait, in milliseconds.
   */
  end(): number {
    this.#isGivenUp = this.#isFailing;
    return this.#hasSucceeded ? closeWithinMs.tried : closeWithinMs.untried;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    if (this.#isGivenUp) {
      done({ code: ExportResultCode.FAILED });
      return;
    }
    this.#exporter.export(spans, (result) => {
      const isFailure = result.code !== ExportResultCode.SUCCESS;
      if (isFailure && !this.#isFailing) this.#onError(reasonOf(result.error));
      this.#isFailing = isFailure;
      this.#hasSucceeded ||= !isFailure;
      done(result);
    });
  }

  async shutdown(): Promise<void> {
    // It would wait for what is on its way.
    if (!this.#isGivenUp) await this.#exporter.shutdown();
  }
}

/** Makes spans by OpenTelemetry's SDK. Nothing of it is global: a process may have several. */
class ExportedTracing implements Tracing {
  readonly #exporter: ReportingExporter;
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  readonly #ids = new Ids();
  readonly #propagator = new W3CTraceContextPropagator();
  readonly #current = new AsyncLocalStorage<KnownSpan | undefined>();

  constructor(exporter: ReportingExporter, { service }: TracingSource) {
    this.#exporter = exporter;
    const version = ownVersion();
    const own = { 'service.name': service, 'service.version': version, 'service.instance.id': randomUUID() };
    this.#provider = new BasicTracerProvider({
      resource: defaultResource()
        .merge(resourceFromAttributes(own))
        .merge(detectResources({ detectors: [envDetector] })),
      idGenerator: this.#ids,
      spanProcessors: [new BatchSpanProcessor(exporter)],
    });
    this.#tracer = this.#provider.getTracer('taskyard', version);
  }

  begin(name: string, { parent = this.current(), ...options }: SpanOptions = {}): KnownSpan {
    const { kind = 'internal', attributes = {}, links = [], at } = options;
    const linked = links.flatMap((link) =>
      link ? [{ context: (link as KnownSpan).span.spanContext() }] : [],
    );
    return new KnownSpan(
      this.#tracer.startSpan(
        name,
        {
          kind: kinds[kind],
          attributes: asOtel(attributes),
          links: linked.slice(0, linksMax),
          ...(at && { startTime: at }),
        },
        (parent as KnownSpan | null)?.context ?? ROOT_CONTEXT,
      ),
    );
  }

  beginTask(name: string, ref: TaskRef, options: Omit<SpanOptions, 'parent'> = {}): KnownSpan {
    const { taskId, runId } = ref;
    const spanId = spanIdOf(ref);
    if (runId === undefined) {
      const ids = { traceId: traceIdOf(taskId), spanId };
      return this.#ids.use(ids, () => this.begin(name, { ...options, parent: null }));
    }
    const parent = this.beginTask('task', { taskId });
    return this.#ids.use({ spanId }, () => this.begin(name, { ...options, parent }));
  }

  taskSpan(ref: TaskRef): KnownSpan | undefined {
    // Begun for its ids and for the sampler's decision. It never ends, so it is not exported: another process does that.
    return isTaskId(ref.taskId) ? this.beginTask('task', ref) : undefined;
  }

  within<T>(span: Span | undefined, run: () => T): T {
    return this.#current.run(span as KnownSpan | undefined, run);
  }

  current(): KnownSpan | undefined {
    const span = this.#current.getStore();
    // What was begun in a request and outlives it, such as a timer, is no part of it.
    return span?.hasEnded ? undefined : span;
  }

  callerIn(headers: Readonly<Record<string, unknown>>): KnownSpan | undefined {
    const span = trace.getSpan(this.#propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter));
    return span && new KnownSpan(span);
  }

  headersFor(ref: TaskRef): Record<string, string> {
    const current = this.current();
    const span = current?.traceId === traceIdOf(ref.taskId) ? current : this.taskSpan(ref);
    const headers: Record<string, string> = {};
    if (span) this.#propagator.inject(span.context, headers, defaultTextMapSetter);
    return headers;
  }

  async close(): Promise<void> {
    const waitMs = this.#exporter.end();
    const over = new AbortController();
    // Failures have been reported.
    const shutDown = this.#provider.shutdown().catch(() => undefined);
    await Promise.race([
      shutDown,
      setTimeout(waitMs, undefined, { signal: over.signal }).catch(() => undefined),
    ]);
    over.abort();
  }
}

/** Opens what exports spans to a URL that takes OTLP over HTTP. */
export const exportTo = (url: string, source: TracingSource): Tracing =>
  new ExportedTracing(new ReportingExporter(new OTLPTraceExporter({ url }), source.onError), source);
