import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Struck, tableOf } from './report.ts';

const struck = (kind: string, isWhole: boolean, next: number): Struck => ({
  ...{ kind, at: 0, isWhole },
  recovery: { next, all: 2 * next },
});

it('the table of recoveries tells faults that struck a whole fleet from those that struck a starting one', () => {
  const rows = tableOf([struck('kill', true, 10), struck('kill', false, 900), struck('kill', true, 31)]);
  assert.deepEqual(
    rows.slice(1).map((row) => row.trim().split(/\s{2,}/)),
    [
      ['kill', '2', '21', '31', '41', '62'],
      ['kill, while a machine was starting', '1', '900', '900', '1800', '1800'],
    ],
  );
});
