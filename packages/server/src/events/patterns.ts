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

/**
 * Compiles an AMQP topic pattern: words are separated by dots, `*` is exactly one word and `#` any number of them,
 * none included. Matching takes at most as many steps as the words of the pattern times those of the key.
 */
export const topicPattern = (pattern: string): ((key: string) => boolean) => {
  const words = pattern.split('.');
  return (key) => fits(words, key.split('.'));
};

const fits = (words: readonly string[], key: readonly string[]): boolean => {
  // Only the last `#` so far may have to match one more word: everything before it is settled.
  let last: { readonly at: number; taken: number } | undefined;
  let at = 0;
  for (let i = 0; i < key.length; ) {
    if (words[at] === '#') last = { at: at++, taken: i };
    else if (at < words.length && (words[at] === '*' || words[at] === key[i])) {
      at++;
      i++;
    } else if (last) {
      at = last.at + 1;
      i = ++last.taken;
    } else return false;
  }
  while (words[at] === '#') at++;
  return at === words.length;
};

/** Whether a message matches any of the bindings, by its routing key or by one of its routes. */
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
