import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import { type Mistake, MistakesError } from './mistakes.ts';
import type { Path } from './values.ts';

/** A parsed YAML file that can still say where each of its values was written. */
export interface Source {
  readonly file: string;
  readonly content: unknown;
  /** Keys that are written twice in one map. */
  readonly repeated: readonly Mistake[];
  /** How much of this path of the rendered document can be followed in the file. */
  reach(path: Path): number;
  /** A mistake at the place that this path of the rendered document (or the nearest one above it) comes from. */
  mistake(path: Path, message: string, label?: string): Mistake;
}

/** Read YAML 1.2; throws a MistakesError with all its syntax errors. */
export const parseSource = (file: string, text: string): Source => {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
    // Binaries, dates and sets have no form in JSON.
    resolveKnownTags: false,
    uniqueKeys: false,
  });
  const mistakeAt = (offset: number, message: string, label?: string): Mistake => {
    const { line, col } = lines.linePos(offset);
    const place = { file, line: Math.max(line, 1), column: Math.max(col, 1) };
    return { ...place, ...(label !== undefined && { label }), message };
  };
  // A tag that is not known is a warning, though its value would be something else than what is meant.
  const unread = document.warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED');
  const errors = [...document.errors, ...unread].map((error) => mistakeAt(error.pos[0], error.message));
  if (errors.length > 0) throw new MistakesError(errors);

  const locate = locatorOf((alias) => alias.resolve(document));
  return {
    file,
    content: contentOf(document, (message) => new MistakesError([mistakeAt(0, message)])),
    repeated: repeatedKeys(document).map(({ key, offset, first }) =>
      mistakeAt(offset, `"${key}" is written twice (first at line ${lines.linePos(first).line})`),
    ),
    reach: (path) => locate(document.contents, path).depth,
    mistake: (path, message, label) => mistakeAt(locate(document.contents, path).offset, message, label),
  };
};

interface Repeated {
  readonly key: string;
  readonly offset: number;
  readonly first: number;
}

/** Keys that a map has twice. YAML calls them errors, but all else can still be read and checked. */
const repeatedKeys = (document: Document): Repeated[] => {
  const repeated: Repeated[] = [];
  visit(document, {
    Map: (_place, map) => {
      const first = new Map<string, number>();
      for (const pair of map.items) {
        const key = keyOf(pair);
        const offset = offsetOf(pair.key);
        const earlier = first.get(key);
        if (earlier === undefined) first.set(key, offset);
        else if (key !== '<<') repeated.push({ key, offset, first: earlier });
      }
    },
  });
  return repeated;
};

const contentOf = (document: { toJS(): unknown }, failed: (message: string) => Error): unknown => {
  try {
    return document.toJS();
  } catch (error) {
    // The library throws here for aliases that stand for far more than the file holds.
    throw failed(error instanceof Error ? error.message : String(error));
  }
};

interface Place {
  readonly offset: number;
  readonly depth: number;
}
type Locate = (node: unknown, path: Path) => Place;

/**
 * Finds what a path of the *rendered* document comes from. json-e's operators ($map, $let, $if, …) have no
 * segment of their own in such a path, and neither have lists of task maps, so those are searched through; a key
 * with an expression in it may stand for any key. The place that follows the path furthest wins.
 */
const locatorOf = (resolve: (alias: Alias) => unknown): Locate => {
  const indexes = new WeakMap<YAMLMap, Map<string, Pair>>();
  const indexOf = (map: YAMLMap): Map<string, Pair> => {
    const known = indexes.get(map) ?? new Map(map.items.map((pair) => [keyOf(pair), pair]));
    indexes.set(map, known);
    return known;
  };

  const locate = (node: unknown, path: Path, depth: number): Place => {
    if (isAlias(node)) return { ...locate(resolve(node), path, depth), offset: offsetOf(node) };
    const here = { offset: offsetOf(node), depth };
    const [segment, ...rest] = path;
    if (segment === undefined) return here;
    if (isMap(node)) return inMap(node, segment, { path, rest, depth, here });
    if (!isSeq(node)) return here;
    if (typeof segment === 'number' && node.items[segment] !== undefined) {
      return locate(node.items[segment], rest, depth + 1);
    }
    return furthest(here, node.items, (item) => locate(item, path, depth));
  };

  const inMap = (
    map: YAMLMap,
    segment: string | number,
    { path, rest, depth, here }: { path: Path; rest: Path; depth: number; here: Place },
  ): Place => {
    const index = indexOf(map);
    const exact = index.get(String(segment));
    if (exact !== undefined) return inPair(exact, rest, depth + 1);
    const generated = map.items.filter((pair) => mayRender(keyOf(pair), String(segment)));
    const best = furthest(here, generated, (pair) => inPair(pair, rest, depth + 1));
    if (best.depth > depth || ![...index.keys()].some(isOperator)) return best;
    return furthest(best, map.items, (pair) => locate(pair.value, path, depth));
  };

  /** A pair found by its key is shown at the key; what is inside it, at itself. */
  const inPair = (pair: Pair, rest: Path, depth: number): Place => {
    const inside = locate(pair.value, rest, depth);
    return inside.depth > depth ? inside : { offset: offsetOf(pair.key), depth };
  };

  return (node, path) => locate(node, path, 0);
};

const furthest = <Item>(start: Place, items: readonly Item[], place: (item: Item) => Place): Place => {
  let best = start;
  for (const item of items) {
    const found = place(item);
    if (found.depth > best.depth) best = found;
  }
  return best;
};

const keyOf = (pair: Pair): string => (isScalar(pair.key) ? String(pair.key.value) : '');

const isOperator = (key: string): boolean => /^\$[a-zA-Z]/.test(key);

const mayRender = (key: string, segment: string): boolean => {
  if (!key.includes('${')) return false;
  const fixed = key.split(/\$\{[^}]*\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${fixed.join('.*')}$`, 's').test(segment);
};

const offsetOf = (node: unknown): number => {
  const { range } = (node ?? {}) as { range?: readonly [number, number, number] | null };
  return range?.[0] ?? 0;
};
