/** A message as a domain publishes it. */
export interface Message {
  /** Full name, `exchange/taskcluster-<service>/v1/<name>`. */
  readonly exchange: string;
  readonly routingKey: string;
  /** Further routing keys (CC), without the `route.` that is put before each. */
  readonly routes: readonly string[];
  /** A JSON object, or the text of one. */
  readonly body: object | string;
}

/** Words of a routing key, joined; a missing word is `_`. */
export const routingKey = (words: readonly (string | number | undefined)[]): string =>
  words.map((word) => (word === undefined || word === '' ? '_' : word)).join('.');
