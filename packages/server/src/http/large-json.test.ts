import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseLargeJson, TooDeep } from './large-json.ts';

/** The result of parsing a text: its value, or that it is not JSON. */
const outcome = async (parse: () => unknown): Promise<unknown> => {
  try {
    return { value: await parse() };
  } catch (error) {
    assert.ok(error instanceof SyntaxError, String(error));
    return 'broken';
  }
};

/** Limits that make a text of a few characters count as large. */
const inParts = (text: string) => outcome(() => parseLargeJson(text, { depthMax: 500, partMax: 4 }));

describe('parseLargeJson', () => {
  it('returns what JSON.parse returns', async () => {
    const spaced = fc.json().map((text) => text.replaceAll(',', ' ,\n').replaceAll(':', '\t: '));
    const check = async (text: string): Promise<void> =>
      assert.deepEqual(await inParts(text), await outcome(() => JSON.parse(text)));
    await fc.assert(fc.asyncProperty(fc.oneof(fc.json(), spaced), check), { numRuns: 2000 });
  });

  it('refuses what JSON.parse refuses', async () => {
    const characters = fc.constantFrom(
      '',
      ',',
      '[',
      ']',
      '{',
      '}',
      '"',
      ':',
      '\\',
      '1',
      ' ',
      '\u00a0',
      '__proto__',
    );
    const mutated = fc.tuple(fc.json(), fc.nat(), fc.nat(3), characters).map(([text, at, gone, added]) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + added + text.slice(place + gone);
    });
    const check = async (text: string): Promise<void> =>
      assert.deepEqual(await inParts(text), await outcome(() => JSON.parse(text)));
    await fc.assert(fc.asyncProperty(mutated, check), { numRuns: 5000 });
  });

  it('treats edge cases of the format as JSON.parse does', async () => {
    for (const text of [
      '[1,2,]',
      '[,1,2345]',
      '[1,,2345]',
      '{"a":1,"bcd":2,}',
      '{,"a":1}',
      '{"a":12345,"a":{"b":[1,2,3,4]}}',
      '{"__proto__":{"a":[1,2,3,4,5]},"b":1}',
      '{"a\\"b":[1,2,3,4,5,6]}',
      '[     ]',
      '[1]    [2]',
      '[1,2,3,4}',
      '{"a":[1,2,3,4]]',
      '{1:[1,2,3,4,5]}',
      '{[]:[1,2,3,4,5]}',
      '  [ "a,b]" , "c" ]  ',
      '"text that is long"',
      '',
    ])
      assert.deepEqual(await inParts(text), await outcome(() => JSON.parse(text)), text);
  });

  it('refuses text that is nested too deeply, at any place', async () => {
    const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const options = { depthMax: 20, partMax: 4 };
    await parseLargeJson(`[1,${nested(19)}]`, options);
    await assert.rejects(parseLargeJson(`[1,${nested(20)}]`, options), TooDeep);
  });

  it('lets other work run in between', async () => {
    const text = JSON.stringify(Array.from({ length: 50_000 }, (_, i) => ({ i, text: 'x'.repeat(300) })));
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    await parseLargeJson(text, { depthMax: 500 });
    isOver = true;
    assert.ok(turns > 1, `${turns} turns`);
  });
});
