import type { IncomingHttpHeaders } from 'node:http';
import type { Static, TSchema } from 'typebox';
import type { RequestError } from '../base/index.ts';

/** A scope with `<parameters>`, or a combination of scopes. A false `if` vanishes; `for` expands a list in place. */
export type ScopeTemplate =
  | string
  | { readonly AllOf: readonly ScopeTemplate[] }
  | { readonly AnyOf: readonly ScopeTemplate[] }
  | { readonly for: string; readonly in: string; readonly each: ScopeTemplate }
  | { readonly if: string; readonly then: ScopeTemplate; readonly else?: ScopeTemplate };

/** A scope template whose parameters have been filled in. */
export type ScopeExpression =
  | string
  | { readonly AllOf: readonly ScopeExpression[] }
  | { readonly AnyOf: readonly ScopeExpression[] };

/** Who calls, and what they may do. Auth creates it for each request. */
export interface Caller {
  /** Empty for a caller without credentials. */
  readonly clientId: string;
  readonly isAnonymous: boolean;
  /** Expanded: roles are resolved, `assume:anonymous` is included. */
  readonly scopes: readonly string[];
  readonly expires: Date;
  satisfies(required: ScopeExpression): boolean;
}

/** A URL or query parameter: its pattern, and how to parse its text. */
export interface Parameter<T = unknown> {
  readonly pattern: RegExp;
  parse(text: string): T;
}
export type Parameters = Readonly<Record<string, Parameter>>;
export type ParameterValues<P extends Parameters> = { [K in keyof P]: ReturnType<P[K]['parse']> };
export type QueryValues<Q extends Parameters> = { [K in keyof Q]?: ReturnType<Q[K]['parse']> };

/** A JSON schema that is served at `/schemas/<service>/v1/<name>.json#`. */
export interface PublishedSchema<S extends TSchema = TSchema> {
  readonly service: string;
  readonly name: string;
  readonly schema: S;
}

/** Gives a TypeBox shape its published name. Titles and descriptions belong in the shape. */
export const publish = <S extends TSchema>(service: string, name: string, schema: S): PublishedSchema<S> => ({
  service,
  name,
  schema,
});

export type Stability = 'stable' | 'experimental' | 'deprecated';

/**
 * An API method, as data. The server's route, the reference, the typed client, the CLI's `api` command and
 * the docs all come from it.
 */
export interface Contract<
  P extends Parameters = Parameters,
  Q extends Parameters = Parameters,
  I extends TSchema = TSchema,
> {
  readonly name: string;
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** As published: `/task/<taskId>/runs/<runId>/artifacts/<name>`. */
  readonly path: string;
  /** The parameter of the path that may contain slashes, plain or percent-encoded. */
  readonly rest?: string;
  readonly category: string;
  readonly title: string;
  readonly description: string;
  readonly stability: Stability;
  /** Checked before anything else when the URL alone fills it in; otherwise by the `authorize` of the call. */
  readonly scopes?: ScopeTemplate;
  readonly params?: P;
  readonly query?: Q;
  readonly input?: PublishedSchema<I>;
  readonly output?: PublishedSchema | 'blob';
  /** Default 10 MiB. */
  readonly bodyBytesMax?: number;
  /** Any query is allowed, since other programs send people here; the handler reads it from the request. */
  readonly anyQuery?: true;
  /** The call may wait: it gets a signal that aborts when the caller has disconnected. */
  readonly waits?: true;
  /** The body contains secrets: it appears in no log and no error reply. */
  readonly secretInput?: true;
  /** The body is stored as JSON text, so it may contain any character; the service checks what gets columns of its own. */
  readonly keepsText?: true;
  /**
   * Its requests are signed in a way of another party. The route's `admitHead` returns what proves the body while it
   * arrives: nothing parses it before, and it may be as large as that of a caller with credentials.
   */
  readonly signedByOthers?: true;
  /** Served, but left out of the published reference. */
  readonly hidden?: true;
  /** Its path is below no service, since other programs know it so. */
  readonly atRoot?: true;
}

/** The parts of a request that auth needs to identify the caller. */
export interface RequestHead {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** A request with all that a signature can cover. */
export interface SignedRequest extends RequestHead {
  /** The body's text, for signatures that cover it. */
  readonly payload: string;
}

/** The arguments of a handler: validated input, and the caller. */
export interface Call<P extends Parameters, Q extends Parameters, I extends TSchema> {
  readonly params: ParameterValues<P>;
  readonly query: QueryValues<Q>;
  readonly body: Static<I>;
  readonly caller: Caller;
  /** Checks the contract's scopes, with these values filled in as well; throws InsufficientScopes. */
  authorize(values: Readonly<Record<string, unknown>>): void;
  /** Aborts when the caller has disconnected; only for contracts that wait. */
  readonly signal: AbortSignal;
  /** As it was sent. */
  readonly request: SignedRequest;
}

/** Fields of a call that verbs of a set need for each element. */
export type Authorize = Call<Parameters, Parameters, TSchema>['authorize'];

/** Proves a body that another party has signed, piece by piece while it arrives. */
export interface BodyProof {
  update(piece: Buffer): void;
  /** Why what has arrived is not accepted as the whole; undefined when its signature is good. */
  refusal(): RequestError | undefined;
}

/** Refuses, by its head, a request whose body need not be read. Returns what proves the body, where that is to be proved. */
type AdmitHead<Services> = (services: Services, head: RequestHead) => BodyProof | undefined;

/** An endpoint: a contract and its handler. */
export interface Route<Services> {
  readonly contract: Contract;
  readonly handle: (services: Services, call: Call<Parameters, Parameters, TSchema>) => unknown;
  readonly admitHead?: AdmitHead<Services> | undefined;
}

/**
 * Declares an endpoint of a domain. Write `const endpoint = routeFor<Services>()` once in `routes.ts`.
 * A handler returns a JSON value, nothing (204), or a {@link Reply}.
 */
export const routeFor =
  <Services>() =>
  <
    const P extends Parameters = Record<never, never>,
    const Q extends Parameters = Record<never, never>,
    const I extends TSchema = TSchema,
  >(
    contract: Contract<P, Q, I>,
    handle: (services: Services, call: Call<P, Q, I>) => unknown,
    admitHead?: AdmitHead<Services>,
  ): Route<Services> =>
    ({ contract, handle, admitHead }) as unknown as Route<Services>;

/** A reply other than 200 with JSON or 204 without a body. A body that is a string or a stream is sent as it is. */
export class Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** Each a header of its own. */
  readonly cookies: readonly string[];
  constructor(
    status: number,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
    cookies: readonly string[] = [],
  ) {
    this.status = status;
    this.body = body;
    this.headers = headers;
    this.cookies = cookies;
  }
}

/**
 * Redirects the caller. The body is text: clients that do not follow redirects return the whole reply, with its
 * location, only when the body is not JSON.
 */
export const redirectTo = (url: string): Reply => new Reply(303, `See ${url}\n`, { location: url });

/** JSON text that is sent as it is, for documents that are stored as text. */
export class JsonText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** The parts of a service that are published: its API and the messages it sends. */
export interface ServiceDescription {
  readonly serviceName: string;
  readonly title: string;
  readonly description: string;
}

/** A message exchange, as data. */
export interface ExchangeDeclaration {
  readonly exchange: string;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly routingKey: readonly RoutingKeyWord[];
  readonly schema: PublishedSchema;
}
export interface RoutingKeyWord {
  readonly name: string;
  readonly summary: string;
  readonly constant?: string;
  readonly required: boolean;
  readonly multipleWords: boolean;
}

/** Everything that one service publishes; `app.ts` serves a list of these. */
export interface ServiceDeclaration<Services = never> {
  readonly service: ServiceDescription;
  readonly routes: readonly Route<Services>[];
  readonly exchanges?: readonly ExchangeDeclaration[];
  /** Schemas that are published without being the input or output of a method. */
  readonly schemas?: readonly PublishedSchema[];
}

/** A published document: its path and content. */
export interface ReferenceDocument {
  readonly filename: string;
  readonly content: unknown;
}
