/** A host and its port, as they are in a URL. */
export interface Place {
  /** May be empty; an IPv6 address is in brackets. */
  readonly host: string;
  readonly port: string | undefined;
}

/** Reads `one:5672,[::1],three:5673`, what is between `@` and the path. Throws the rest of a sentence about the URL. */
export const placesIn = (authority: string): Place[] => authority.split(',').map(placeOf);

const placeOf = (text: string): Place => {
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(text) ?? [];
  if (host === '' && text !== '') throw new Error('has a host that is none');
  return { host, port: port || undefined };
};
