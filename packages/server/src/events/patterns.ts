/** A filter for messages, compiled from bindings. */
export interface Binding {
  readonly exchange: string;
  readonly routingKeyPattern: string;
}

export interface Matchable {
  readonly exchange: string;
  readonly routingKey: string;
  readonly routes: readonly string[];
}

const literal = (word: string): string => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/**
 * Compiles an AMQP topic pattern: words are separated by dots, `*` is exactly one word and `#` any number of them,
 * none included.
 */
export const topicPattern = (pattern: string): ((key: string) => boolean) => {
  // Every word is followed by a dot, in the pattern and in the key: so none of them is a special case.
  const words = pattern.split('.').map((word) => {
    if (word === '#') return '(?:[^.]*\\.)*';
    return word === '*' ? '[^.]*\\.' : `${literal(word)}\\.`;
  });
  const expression = new RegExp(`^${words.join('')}$`);
  return (key) => expression.test(`${key}.`);
};

/** Whether a message fits any of the bindings, by its routing key or by one of its routes. */
export const matcher = (bindings: readonly Binding[]): ((message: Matchable) => boolean) => {
  const compiled = bindings.map(({ exchange, routingKeyPattern }) => ({
    exchange,
    fits: topicPattern(routingKeyPattern),
  }));
  return (message) =>
    compiled.some(
      ({ exchange, fits }) =>
        (exchange === '#' || exchange === message.exchange) &&
        (fits(message.routingKey) || message.routes.some((route) => fits(`route.${route}`))),
    );
};
