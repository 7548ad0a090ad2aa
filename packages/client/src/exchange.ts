declare const message: unique symbol;

/** An exchange, the words of its routing keys, and (for the compiler only) the shape of its messages. */
export interface Exchange<Message = unknown> {
  readonly exchange: string;
  /** A name, `=constant`, or `#` for any number of words. */
  readonly words: readonly string[];
  readonly [message]?: Message;
}

/** Selects the messages of an exchange whose routing key, or one of whose routes, fits the pattern. */
export interface Binding {
  readonly exchange: string;
  readonly routingKeyPattern: string;
}

/** Declares an exchange. */
export const exchange = <Message>(name: string, words: readonly string[]): Exchange<Message> => ({
  exchange: name,
  words,
});

const patternWord = (word: string, wanted: Readonly<Record<string, string | number | undefined>>): string => {
  if (word === '#') return '#';
  if (word.startsWith('=')) return word.slice(1);
  return String(wanted[word] ?? '*');
};

/** A binding for the messages of an exchange whose routing keys have these words: `{ taskGroupId }`. */
export const bindingFor = (
  { exchange: name, words }: Exchange,
  wanted: Readonly<Record<string, string | number | undefined>> = {},
): Binding => ({
  exchange: name,
  routingKeyPattern: words.map((word) => patternWord(word, wanted)).join('.'),
});

/** A binding for the messages of an exchange that carry this task route. */
export const bindingForRoute = ({ exchange: name }: Exchange, route: string): Binding => ({
  exchange: name,
  routingKeyPattern: `route.${route}`,
});
