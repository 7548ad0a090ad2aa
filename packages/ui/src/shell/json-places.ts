const token = /\s*("(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+)/gy;

/** The name of a property as a step of a JSON pointer. */
export const pointerStep = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** Where each part of a valid JSON text begins, by its JSON pointer; of a property, where its name does. */
export const placesIn = (text: string): ReadonlyMap<string, number> => {
  const places = new Map<string, number>();
  token.lastIndex = 0;
  const next = (): { word: string; at: number } => {
    const [, word = ''] = token.exec(text) ?? [];
    return { word, at: token.lastIndex - word.length };
  };
  const list = (end: string, item: (first: { word: string; at: number }) => void): void => {
    for (let one = next(); one.word !== end && one.word !== ''; one = next()) if (one.word !== ',') item(one);
  };
  const value = (pointer: string, { word, at }: { word: string; at: number }): void => {
    if (!places.has(pointer)) places.set(pointer, at);
    let index = 0;
    if (word === '[') list(']', (first) => value(`${pointer}/${index++}`, first));
    if (word === '{')
      list('}', (name) => {
        const inner = `${pointer}/${pointerStep(JSON.parse(name.word) as string)}`;
        places.set(inner, name.at);
        next();
        value(inner, next());
      });
  };
  value('', next());
  return places;
};

/** The number of the line at a place of a text, from 1. */
export const lineAt = (text: string, place: number): number => text.slice(0, place).split('\n').length;
