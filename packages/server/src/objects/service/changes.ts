import { RequestError, type Transaction } from '../../base/index.ts';
import * as lifecycle from '../lifecycle.ts';
import type { Hashes } from '../schema.ts';
import * as store from '../store.ts';

/** What became of an object, or why it stays as it is. */
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

/** Writes what became of each object; the last answer about an object is the one that holds. */
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

/** Hashes of algorithms that the schema does not know are kept as well, as long as they are plain words. */
export const checkedHashes = (hashes: object = {}): Hashes => {
  const words = Object.entries(hashes).flat() as unknown[];
  if (words.every((word) => typeof word === 'string' && /^[\x21-\x7e]{1,1024}$/.test(word))) {
    return hashes as Hashes;
  }
  throw new RequestError('InputError', 'Hashes are words of printable ASCII.');
};
