import assert from 'node:assert/strict';
import { it } from 'node:test';
import { complaintAbout } from './data-folder.ts';

it('a data folder that is missing, replaced or full is reported', () => {
  const fine = { inode: 7, freeBytes: 1e9 };
  assert.equal(complaintAbout('d', fine, fine), undefined);
  assert.match(
    complaintAbout('d', { ...fine, inode: undefined }, fine) ?? '',
    /^The data folder d has been deleted/,
  );
  assert.match(
    complaintAbout('d', { ...fine, inode: 8 }, fine) ?? '',
    /^The data folder d has been replaced/,
  );
  assert.match(
    complaintAbout('d', { ...fine, freeBytes: 5e6 }, fine) ?? '',
    /^The disk that holds d is full \(5 MB are free\)/,
  );
});
