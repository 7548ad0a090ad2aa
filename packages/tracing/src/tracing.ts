/** What a span says: ids, names, codes and numbers. Never a secret, nor a text that may quote one. */
export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** A part of a trace: something that was done, from its beginning to its end. It is exported when it has ended. */
export interface Span {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** Whether it is exported, as the sampler decided for its trace. */
  readonly isSampled: boolean;
  /** Adds what became known meanwhile. */
  set(attributes: Attributes): void;
  /** Marks it as failed. `type` is a code, not a message. */
  fail(type: string): void;
  /** Ends it, by default now. */
  end(at?: Date): void;
}

export interface SpanOptions {
  /** By default `internal`. */
  readonly kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer' | undefined;
  readonly attributes?: Attributes | undefined;
  /** By default the span that the code runs in. `null` begins a trace. */
  readonly parent?: Span | null | undefined;
  /** Others that it is about. The first 128 are kept. */
  readonly links?: readonly (Span | undefined)[] | undefined;
  /** When it began, by default now. */
  readonly at?: Date | undefined;
}

/** A task, or one of its runs. */
export interface TaskRef {
  readonly taskId: string;
  readonly runId?: number | undefined;
}

/** Makes spans. There is none where nothing is exported, so that nothing is computed for it. */
export interface Tracing {
  begin(name: string, options?: SpanOptions): Span;
  /**
   * Begins the span of a task, which is the root of its trace, or that of a run, which is below it. Each is made once: by
   * who creates the task, and by who resolves the run. Its parent is not for the caller to choose.
   */
  beginTask(name: string, ref: TaskRef, options?: Omit<SpanOptions, 'parent'>): Span;
  /** The same span for those who only put others below it; undefined for what is no taskId. */
  taskSpan(ref: TaskRef): Span | undefined;
  /** Runs something whose spans are below this one; without a span, below none. */
  within<T>(span: Span | undefined, run: () => T): T;
  /** The span that the code runs in, unless it has ended. */
  current(): Span | undefined;
  /** The span that a caller names by `traceparent` and `tracestate`. */
  callerIn(headers: Readonly<Record<string, unknown>>): Span | undefined;
  /** Headers that put the callee's spans below the current one if it is part of this task's trace, else below the run. */
  headersFor(ref: TaskRef): Record<string, string>;
  /** Exports what is left, unless the last export failed. */
  close(): Promise<void>;
}

/** A code for an error: its own, or the name of its class. Messages are left out, since they quote what they concern. */
const codeOf = (error: unknown): string => {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (typeof code === 'string') return code;
  return typeof name === 'string' ? name : 'unknown';
};

/** Runs something in a span of its own, which fails when that throws. */
export const traced = async <T>(
  tracing: Tracing | undefined,
  name: string,
  options: SpanOptions,
  run: (span?: Span) => Promise<T>,
): Promise<T> => {
  if (!tracing) return run();
  const span = tracing.begin(name, options);
  try {
    return await tracing.within(span, () => run(span));
  } catch (error) {
    span.fail(codeOf(error));
    throw error;
  } finally {
    span.end();
  }
};
