import { RequestError, type Transaction } from '../../base/index.ts';
import * as lifecycle from '../lifecycle.ts';
import type { Hashes } from '../schema.ts';
import * as store from '../store.ts';

/** The changed object, or why it does not change. */
export type Changed = lifecycle.StoredObject | RequestError;

export const byName = (objects: readonly lifecycle.StoredObject[]): Map<string, lifecycle.StoredObject> =>
  new Map(objects.map((object) => [object.name, object]));

/** The objects of these names, locked until the transaction ends. */
export const lockByName = async (
  tx: Transaction,
  items: readonly { readonly name: string }[],
): Promise<Map<string, lifecycle.StoredObject>> =>
  byName(
    await store.lockObjects(
      tx,
      items.map(({ name }) => name),
    ),
  );

/** Writes each changed object. The last result about an object counts. */
export const writeChanges = async (tx: Transaction, answers: readonly Changed[]): Promise<void> => {
  const isObject = (answer: Changed): answer is lifecycle.StoredObject => !(answer instanceof RequestError);
  const changed = byName(answers.filter(isObject));
  const changes = [...changed.values()].map((object) => ({
    name: object.name,
    hashes: object.hashes,
    isFinished: lifecycle.isFinished(object),
  }));
  if (changes.length > 0) await store.changeObjects(tx, changes);
};

/** Hashes of unknown algorithms are kept as well, if they are printable ASCII. */
export const checkedHashes = (hashes: object = {}): Hashes => {
  const words = Object.entries(hashes).flat() as unknown[];
  if (words.every((word) => typeof word === 'string' && /^[\x21-\x7e]{1,1024}$/.test(word))) {
    return hashes as Hashes;
  }
  throw new RequestError('InputError', 'Hashes are words of printable ASCII.');
};
