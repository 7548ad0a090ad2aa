import type { Credentials } from './credentials.ts';
import { createSigner, type Signer } from './hawk.ts';
import { type RetryPolicy, send } from './http.ts';

/** A method of an API, as the generated tables list it. */
export interface MethodDeclaration {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** With `<parameters>`, which are the first arguments of the method, in this order. */
  readonly route: string;
  readonly title: string;
  /** Takes a body, as the argument after the parameters. */
  readonly input?: true;
  readonly query?: readonly string[];
}
export type MethodTable = Readonly<Record<string, MethodDeclaration>>;

export interface ClientOptions {
  readonly rootUrl: string;
  /** Without credentials calls are anonymous. */
  readonly credentials?: Credentials | undefined;
  /** Restricts each call to these scopes, which the credentials must hold. */
  readonly authorizedScopes?: readonly string[] | undefined;
  /** How often a call is repeated after server errors and lost connections. Default 5. */
  readonly retries?: number | undefined;
  /** The first pause between attempts, which doubles each time. Default 200 ms. */
  readonly retryDelayMs?: number | undefined;
  /** The time that one attempt may take. Default 60 s, which leaves room for the long polls of 20 s. */
  readonly timeoutMs?: number | undefined;
  /** Headers of each attempt, beside the client's own: such as `traceparent`. */
  readonly headers?: (() => Readonly<Record<string, string>>) | undefined;
}

/** What every method takes as its last argument, beside its query parameters. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}
export type QueryOptions<Names extends string> = CallOptions & {
  readonly [Name in Names]?: string | number | boolean | undefined;
};

export type Argument = string | number | object | undefined;

interface PreparedCall {
  readonly declaration: MethodDeclaration;
  readonly url: URL;
  readonly body: object | undefined;
  readonly signal: AbortSignal | undefined;
}

const routeParameter = /<([^>]+)>/g;

/** The names of a route's parameters, in order. */
export const routeParameters = ({ route }: MethodDeclaration): string[] =>
  [...route.matchAll(routeParameter)].map(([, name]) => name ?? '');

const withoutSlash = (rootUrl: string): string => rootUrl.replace(/\/+$/, '');

/** A client of one service. The generated classes add a method for each of the API's. */
export class ServiceClient {
  readonly serviceName: string;
  readonly methods: MethodTable;
  readonly options: ClientOptions;
  readonly #signer: Signer | undefined;
  readonly #policy: RetryPolicy;

  constructor(serviceName: string, methods: MethodTable, options: ClientOptions) {
    const { credentials, authorizedScopes, retries = 5, retryDelayMs = 200, timeoutMs = 60_000 } = options;
    this.serviceName = serviceName;
    this.methods = methods;
    this.options = { ...options, rootUrl: withoutSlash(options.rootUrl) };
    this.#signer = credentials?.clientId ? createSigner(credentials, authorizedScopes) : undefined;
    this.#policy = { retries, firstDelayMs: retryDelayMs, delayMaxMs: 30_000, timeoutMs };
  }

  /** Calls a method by its name. */
  async call(name: string, args: readonly Argument[]): Promise<unknown> {
    const { declaration, url, body, signal } = this.#prepare(name, args);
    const reply = await send(
      {
        method: declaration.method,
        url,
        body: body === undefined ? undefined : JSON.stringify(body),
        signer: this.#signer,
        headers: this.options.headers,
        signal,
        name: `${this.serviceName}.${name}`,
      },
      this.#policy,
    );
    return reply.body;
  }

  /** The same client with other options, such as fresh credentials. Only for the generated classes. */
  use(changes: Partial<ClientOptions>): this {
    const SameClass = this.constructor as new (options: ClientOptions) => this;
    return new SameClass({ ...this.options, ...changes });
  }

  /** The URL of a call of a method that needs no body. */
  buildUrl(name: string, ...args: readonly Argument[]): string {
    return this.#prepare(name, args).url.href;
  }

  /** The URL of a GET call, signed: anyone who has it may make the call until it expires. */
  async buildSignedUrl(name: string, args: readonly Argument[], expires: Date): Promise<string> {
    const { declaration, url } = this.#prepare(name, args);
    if (declaration.method !== 'GET') throw new Error(`${name} is no GET method: its URL cannot be signed.`);
    if (!this.#signer) throw new Error('A URL cannot be signed without credentials.');
    return this.#signer.signedUrl(url, expires);
  }

  /** The Authorization header of a call, for a request that carries the signatures of others. */
  async buildAuthorization(name: string, ...args: readonly Argument[]): Promise<string> {
    const { declaration, url } = this.#prepare(name, args);
    if (!this.#signer) throw new Error('A call cannot be signed without credentials.');
    return this.#signer.header(declaration.method, url);
  }

  #prepare(name: string, args: readonly Argument[]): PreparedCall {
    const declaration = this.methods[name];
    if (!declaration) throw new Error(`The ${this.serviceName} service has no method ${name}.`);
    const parameters = routeParameters(declaration);
    const bodyAt = parameters.length;
    const optionsAt = declaration.input ? bodyAt + 1 : bodyAt;
    if (args.length < optionsAt || args.length > optionsAt + 1) {
      const wanted = [...parameters, ...(declaration.input ? ['body'] : []), 'options?'].join(', ');
      throw new Error(`${name} takes (${wanted}), but was given ${args.length} arguments.`);
    }
    const { signal, ...query } = (args[optionsAt] ?? {}) as CallOptions & Record<string, unknown>;
    return {
      declaration,
      url: this.#url({ name, declaration, values: args, query }),
      body: declaration.input ? (args[bodyAt] as object) : undefined,
      signal,
    };
  }

  #url(call: {
    readonly name: string;
    readonly declaration: MethodDeclaration;
    readonly values: readonly Argument[];
    readonly query: Readonly<Record<string, unknown>>;
  }): URL {
    const { name, declaration, values, query } = call;
    let at = 0;
    const path = declaration.route.replace(routeParameter, (_, parameter: string) => {
      const value = values[at++];
      if (typeof value !== 'string' && typeof value !== 'number') {
        throw new Error(`${name} needs a text or a number as ${parameter}.`);
      }
      return encodeURIComponent(value);
    });
    const url = new URL(`${this.options.rootUrl}/api/${this.serviceName}/v1${path}`);
    for (const [key, value] of Object.entries(query)) {
      if (value === undefined) continue;
      if (!declaration.query?.includes(key)) throw new Error(`${name} has no query parameter ${key}.`);
      url.searchParams.set(key, String(value));
    }
    return url;
  }
}

/** A class of clients of one service, with the methods of its table. */
export interface ServiceClass<Api> {
  new (options: ClientOptions): Api & ServiceClient;
  readonly serviceName: string;
  readonly methods: MethodTable;
}

/** Makes the client class of a service out of its generated table. */
export const serviceClass = <Api>(serviceName: string, methods: MethodTable): ServiceClass<Api> => {
  class GeneratedClient extends ServiceClient {
    static readonly serviceName: string = serviceName;
    static readonly methods: MethodTable = methods;
    constructor(options: ClientOptions) {
      super(serviceName, methods, options);
    }
  }
  for (const name of Object.keys(methods)) {
    Object.defineProperty(GeneratedClient.prototype, name, {
      value(this: ServiceClient, ...args: Argument[]): Promise<unknown> {
        return this.call(name, args);
      },
    });
  }
  return GeneratedClient as unknown as ServiceClass<Api>;
};
