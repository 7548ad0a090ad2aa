import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RequestError } from '../base/index.ts';
import type { Caller } from './contract.ts';
import { parseLargeJson, TooDeep } from './large-json.ts';

/** The deepest nesting of arrays and objects. Code that walks through a value, here and in the database, recurses. */
const depthMax = 500;

const byteOrderMark = '\ufeff';

/** Reads the bodies of all requests as text; handlers decide whether they want one. */
export const readBodies = (app: FastifyInstance): void => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const mistake = mistakeIn(body, request.headers['content-encoding']);
    if (mistake) done(new RequestError('MalformedPayload', mistake));
    else done(null, body.toString());
  });
};

const mistakeIn = (body: Buffer, encoding = 'identity'): string | undefined => {
  if (encoding !== 'identity')
    return `The body must not be compressed; it came with content-encoding ${encoding}.`;
  return isUtf8(body) ? undefined : 'The body must be text in UTF-8; it holds bytes that are not.';
};

/** Whether the request says that its body is JSON. */
export const isJson = (request: FastifyRequest): boolean =>
  /^application\/json\b/i.test(request.headers['content-type'] ?? '');

/** Longer text is parsed in slices. */
const charactersAtOnceMax = 256 * 1024;

/** Values, and names of properties, in a body from a caller without credentials. Each costs time and memory. */
const unsignedPartsMax = 20_000;

export interface ParsedFor {
  readonly caller: Pick<Caller, 'isAnonymous'>;
  /** Refuses callers who lack the scopes whatever the body says. */
  readonly checkAnyBody: () => void;
}

/** The body as a value: an object or an array; empty where there is none. */
export const parseBody = async (
  request: FastifyRequest,
  { caller, checkAnyBody }: ParsedFor,
): Promise<unknown> => {
  const text = request.body as string | undefined;
  if (!text || !isJson(request)) return {};
  if (caller.isAnonymous && hasManyParts(text))
    throw new RequestError(
      'MalformedPayload',
      `Without credentials a body may have at most ${unsignedPartsMax} values.`,
    );
  let value: unknown;
  try {
    // Some editors and languages begin a text with a byte order mark. Signatures cover it, but JSON does not allow it.
    value = await parse(text.startsWith(byteOrderMark) ? text.slice(1) : text);
  } catch (error) {
    if (!(error instanceof TooDeep))
      throw new RequestError('MalformedPayload', `Failed to parse JSON: ${(error as Error).message}`);
    // It is unknown what such a body asks for, so callers who may ask for nothing get that error instead.
    checkAnyBody();
    throw new RequestError(
      'MalformedPayload',
      `The body must not nest arrays and objects more than ${depthMax} deep.`,
    );
  }
  if (typeof value !== 'object' || value === null) {
    throw new RequestError('MalformedPayload', 'The body must be a JSON object or array.');
  }
  return value;
};

const parse = async (text: string): Promise<unknown> => {
  if (text.length > charactersAtOnceMax) return parseLargeJson(text, { depthMax });
  if (isDeep(text)) throw new TooDeep();
  return JSON.parse(text);
};

/** Refuses a body with text that the database cannot store, and names the field. */
export const requireStorableBody = (request: FastifyRequest, payload: unknown): void => {
  // JSON can contain these characters only as escapes.
  if (/\\u(0000|d[89a-f])/i.test(request.body as string)) requireStorable(payload, 'body');
};

const [quote, backslash, opening, closing] = [0x22, 0x5c, [0x5b, 0x7b], [0x5d, 0x7d]] as const;
/** Opening brackets, commas and colons. */
const beginsPart = new Set([...opening, 0x2c, 0x3a]);

/** Whether this JSON has more values than a caller without credentials may send. */
const hasManyParts = (text: string): boolean => {
  let parts = 0;
  let isInString = false;
  for (let i = 0; i < text.length && parts <= unsignedPartsMax; i++) {
    const code = text.charCodeAt(i);
    if (isInString) {
      if (code === backslash) i++;
      else if (code === quote) isInString = false;
    } else if (code === quote) isInString = true;
    else if (beginsPart.has(code)) parts++;
  }
  return parts > unsignedPartsMax;
};

/** Whether this JSON is nested too deeply. It is checked before the text is parsed. */
const isDeep = (text: string): boolean => {
  // Each level is opened and closed.
  if (text.length <= 2 * depthMax) return false;
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isInString) {
      if (code === backslash) i++;
      else if (code === quote) isInString = false;
    } else if (code === quote) isInString = true;
    else if (code === opening[0] || code === opening[1]) {
      if (++depth > depthMax) return true;
    } else if (code === closing[0] || code === closing[1]) depth--;
  }
  return false;
};

/** Whether PostgreSQL can store this text: it must not contain NUL or a lone surrogate. */
export const isStorable = (text: string): boolean => !text.includes('\0') && !/\p{Surrogate}/u.test(text);

const requireStorable = (value: unknown, where: string): void => {
  if (typeof value === 'string') {
    if (!isStorable(value)) refuseText(where);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, part] of Object.entries(value)) {
      if (!isStorable(name)) refuseText(`the name of a property of ${where}`);
      requireStorable(part, `${where}.${name}`);
    }
  }
};

const refuseText = (where: string): never => {
  throw new RequestError(
    'InputError',
    `The text of ${where} contains a NUL character or a lone surrogate, which cannot be stored.`,
  );
};
