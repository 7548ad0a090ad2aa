import { type Slices, slices } from '../base/index.ts';

/** Text of up to this many characters is parsed at once. */
const partMax = 64 * 1024;
/** Arrays and objects are split up to this depth; deeper ones are parsed at once, even if they are large. */
const levelsMax = 3;
/** The clock is read after this many characters. */
const scannedMax = 64 * 1024;

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openArray, closeArray, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];
const spaces = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** A part of a text. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** Scans the text between two brackets: finds the commas of its own level, and how deep it is nested. */
class Scanner {
  readonly commas: number[] = [];
  depth = 0;
  deepest = 0;
  isInString = false;
  #at: number;
  readonly #text: string;

  constructor(text: string, from: number) {
    this.#text = text;
    this.#at = from;
  }

  /** Continues up to `to`; false when a bracket closes that was not opened. */
  scan(to: number): boolean {
    const text = this.#text;
    let i = this.#at;
    for (; i < to; i++) {
      const code = text.charCodeAt(i);
      if (this.isInString) {
        if (code === backslash) i++;
        else if (code === quote) this.isInString = false;
      } else if (code === quote) this.isInString = true;
      else if (code === comma) {
        if (this.depth === 0) this.commas.push(i);
      } else if (code === openArray || code === openObject) {
        this.deepest = Math.max(this.deepest, ++this.depth);
      } else if ((code === closeArray || code === closeObject) && --this.depth < 0) return false;
    }
    this.#at = i;
    return true;
  }
}

const broken = (what: string): SyntaxError => new SyntaxError(what);

/** The text is nested more deeply than allowed. */
export class TooDeep extends Error {}

/** Parses large JSON text in slices. */
class Parser {
  readonly #text: string;
  readonly #turns: Slices = slices();
  readonly #options: LargeJsonOptions;

  constructor(text: string, options: LargeJsonOptions) {
    this.#text = text;
    this.#options = options;
  }

  async parse(span: Span, level: number): Promise<unknown> {
    const { from, to } = this.#trimmed(span);
    if (this.#turns.isOver()) await this.#turns.rest();
    const [first, last] = [this.#text.charCodeAt(from), this.#text.charCodeAt(to - 1)];
    const isArray = first === openArray;
    const isContainer = to - from >= 2 && (isArray || first === openObject);
    if (!isContainer || level === levelsMax || to - from <= this.#options.partMax)
      return JSON.parse(this.#text.slice(from, to));
    const children = await this.#childrenOf({ from: from + 1, to: to - 1 }, level);
    if (last !== (isArray ? closeArray : closeObject)) throw broken('A bracket is not closed.');
    return isArray ? this.#elements(children, level) : this.#members(children, level);
  }

  /** The texts between the commas of an array or object. */
  async #childrenOf({ from, to }: Span, level: number): Promise<Span[]> {
    const scanner = new Scanner(this.#text, from);
    for (let at = from; at < to; at += scannedMax) {
      if (this.#turns.isOver()) await this.#turns.rest();
      if (!scanner.scan(Math.min(at + scannedMax, to))) throw broken('A bracket closes that was not opened.');
      if (scanner.deepest + level + 1 > this.#options.depthMax) throw new TooDeep();
    }
    if (scanner.depth !== 0 || scanner.isInString) throw broken('The text ends within a value.');
    const starts = [from, ...scanner.commas.map((place) => place + 1)];
    const children = starts.map((start, i) => ({ from: start, to: scanner.commas[i] ?? to }));
    const [only] = children;
    return children.length === 1 && only && this.#isBlank(only) ? [] : children;
  }

  async #elements(children: readonly Span[], level: number): Promise<unknown[]> {
    const elements: unknown[] = [];
    for (const group of this.#groupsOf(children)) {
      if (this.#turns.isOver()) await this.#turns.rest();
      if (group.isLarge) elements.push(await this.parse(group, level + 1));
      else {
        const some = JSON.parse(`[${this.#text.slice(group.from, group.to)}]`) as unknown[];
        // Nothing between two commas, or after the last.
        if (some.length !== group.count) throw broken('An element is missing.');
        for (const element of some) elements.push(element);
      }
    }
    return elements;
  }

  async #members(children: readonly Span[], level: number): Promise<object> {
    const members: [string, unknown][] = [];
    for (const group of this.#groupsOf(children)) {
      if (this.#turns.isOver()) await this.#turns.rest();
      if (group.isLarge) members.push(await this.#member(group, level));
      else {
        const some = Object.entries(JSON.parse(`{${this.#text.slice(group.from, group.to)}}`) as object);
        if (some.length === 0) throw broken('A member is missing.');
        for (const member of some) members.push(member);
      }
    }
    // As in JSON.parse: of several members with one name the last one counts, and `__proto__` is an ordinary name.
    return Object.fromEntries(members);
  }

  async #member(span: Span, level: number): Promise<[string, unknown]> {
    const { from, to } = this.#trimmed(span);
    let end = from + 1;
    while (end < to && this.#text.charCodeAt(end) !== quote)
      end += this.#text.charCodeAt(end) === backslash ? 2 : 1;
    const name: unknown = JSON.parse(this.#text.slice(from, end + 1));
    const after = this.#trimmed({ from: end + 1, to });
    if (typeof name !== 'string' || this.#text.charCodeAt(after.from) !== colon)
      throw broken('A member of an object has no name.');
    return [name, await this.parse({ from: after.from + 1, to }, level + 1)];
  }

  /** Groups of small neighbors that are parsed at once, and each large element alone. */
  *#groupsOf(children: readonly Span[]): Generator<Span & { isLarge: boolean; count: number }> {
    let group: (Span & { isLarge: boolean; count: number }) | undefined;
    for (const { from, to } of children) {
      const isLarge = to - from > this.#options.partMax;
      if (group && (isLarge || to - group.from > this.#options.partMax)) {
        yield group;
        group = undefined;
      }
      if (isLarge) yield { from, to, isLarge, count: 1 };
      else group = { from: group?.from ?? from, to, isLarge, count: (group?.count ?? 0) + 1 };
    }
    if (group) yield group;
  }

  #trimmed({ from, to }: Span): Span {
    let [start, end] = [from, to];
    while (start < end && spaces.has(this.#text.charCodeAt(start))) start++;
    while (end > start && spaces.has(this.#text.charCodeAt(end - 1))) end--;
    return { from: start, to: end };
  }

  #isBlank(span: Span): boolean {
    const { from, to } = this.#trimmed(span);
    return from === to;
  }
}

interface LargeJsonOptions {
  /** The deepest allowed nesting of arrays and objects. */
  readonly depthMax: number;
  /** Text of up to this many characters is parsed at once. */
  readonly partMax: number;
}

/**
 * Parses large JSON text with the result of `JSON.parse`, in slices between which other work can run. Throws SyntaxError
 * or TooDeep.
 */
export const parseLargeJson = (
  text: string,
  { depthMax, partMax: ownPartMax = partMax }: Pick<LargeJsonOptions, 'depthMax'> & { partMax?: number },
): Promise<unknown> =>
  new Parser(text, { depthMax, partMax: ownPartMax }).parse({ from: 0, to: text.length }, 0);
