import { placesIn } from './places.ts';

/** One PostgreSQL server of a deployment. */
export interface Server {
  /** Host and port, for messages: the URL holds a password. */
  readonly name: string;
  /** The URL of this server alone. */
  readonly url: string;
  /** Settings of a session, as in `-c search_path=tasks`. They are not in the URL: there they would replace ours. */
  readonly options?: string;
}

/** What a database URL says. */
export interface NamedServers {
  readonly servers: readonly [Server, ...Server[]];
  /** Whether a server is asked if it accepts writes before a connection to it is used. */
  readonly isChecked: boolean;
}

const shape = /^(postgres(?:ql)?:\/\/)((?:[^/?#]*@)?)([^/?#]*)([^?#]*)(?:\?([^#]*))?/;
const standardPort = '5432';

/**
 * Reads a database URL as libpq does: `postgres://user:password@one:5432,two:5432/name`. Hosts and ports may be
 * parameters as well: `?host=one,two&port=5432,5433`. With several hosts, or with `target_session_attrs`, only the one
 * that accepts writes is used, so `read-write` and `primary` are the values of that parameter. Throws the
 * rest of a sentence about the URL, without what it says.
 */
export const readDatabaseUrl = (url: string): NamedServers => {
  const [, scheme, userinfo, authority = '', path, query = ''] = shape.exec(url) ?? [];
  if (scheme === undefined) throw new Error('does not start with postgres://');
  const parameters = new URLSearchParams(query);
  const wanted = parameters.get('target_session_attrs');
  const places = placesOf(authority, parameters);
  requireWritable(wanted, places.length);
  requireNoHaste(parameters);
  const options = parameters.get('options');
  for (const name of ['target_session_attrs', 'host', 'port', 'options']) parameters.delete(name);
  const rest = parameters.size > 0 ? `?${parameters}` : '';
  const [first, ...others] = places.map(({ host, port }) => ({
    name: `${decodeURIComponent(host)}:${port}`,
    url: `${scheme}${userinfo}${host}:${port}${path}${rest}`,
    ...(options ? { options } : {}),
  }));
  return {
    servers: [first as Server, ...others],
    isChecked: places.length > 1 || wanted === 'read-write' || wanted === 'primary',
  };
};

const placesOf = (authority: string, parameters: URLSearchParams) => {
  const hosts = parameters.get('host')?.split(',').map(encodeHost);
  const inAuthority = placesIn(authority);
  const named = hosts ? hosts.map((host) => ({ host, port: undefined })) : inAuthority;
  const ports = parameters.get('port')?.split(',') ?? [];
  if (ports.length > 1 && ports.length !== named.length) {
    throw new Error(`names ${named.length} hosts and ${ports.length} ports`);
  }
  return named.map(({ host, port }, i) => ({
    host: host || '127.0.0.1',
    port: port ?? ports[i] ?? ports[0] ?? standardPort,
  }));
};

/** A folder of a socket is percent-encoded where a host belongs. */
const encodeHost = (host: string): string => (host.startsWith('/') ? encodeURIComponent(host) : host);

const requireWritable = (wanted: string | null, count: number): void => {
  if (wanted === null || wanted === 'read-write' || wanted === 'primary') return;
  if (wanted === 'any' && count === 1) return;
  throw new Error('has a target_session_attrs that is neither read-write nor primary, but Taskyard writes');
};

/** The driver would stop waiting for a statement that PostgreSQL goes on with, and take its answer for that of the next one. */
const requireNoHaste = (parameters: URLSearchParams): void => {
  if (!parameters.has('query_timeout')) return;
  throw new Error('has a query_timeout; use statement_timeout, which PostgreSQL itself ends a statement by');
};

/** Why a database URL cannot be used, without what it says; undefined when it can, or there is none. */
export const mistakeInDatabaseUrl = (url: string | undefined): string | undefined => {
  try {
    if (url !== undefined) readDatabaseUrl(url);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};
