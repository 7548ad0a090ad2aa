import { RequestError, type Transaction } from '../../base/index.ts';
import * as lifecycle from '../lifecycle.ts';
import type { Hashes } from '../schema.ts';
import * as store from '../store.ts';

/** The changed object, or why it does not change. */
type Changed = lifecycle.StoredObject | RequestError;

export const byName = (objects: readonly lifecycle.StoredObject[]): Map<string, lifecycle.StoredObject> =>
  new Map(objects.map((object) => [object.name, object]));

/** The objects of these names, locked until the transaction ends. */
const lockByName = async (
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
const writeChanges = async (tx: Transaction, answers: readonly Changed[]): Promise<void> => {
  const isObject = (answer: Changed): answer is lifecycle.StoredObject => !(answer instanceof RequestError);
  const changed = byName(answers.filter(isObject));
  const changes = [...changed.values()].map((object) => ({
    name: object.name,
    hashes: object.hashes,
    isFinished: lifecycle.isFinished(object),
  }));
  if (changes.length > 0) await store.changeObjects(tx, changes);
};

/**
 * Changes the objects that the items name, locked until the transaction ends. What a change makes of an object is what the
 * next item of the same name finds. Returns the changed objects, or why they do not change, in the order of the items.
 */
export const changeObjects = async <Item extends { readonly name: string }>(
  tx: Transaction,
  items: readonly Item[],
  change: (object: lifecycle.StoredObject | undefined, item: Item) => Changed,
): Promise<Changed[]> => {
  const objects = await lockByName(tx, items);
  const answers = items.map((item) => {
    const changed = change(objects.get(item.name), item);
    if (!(changed instanceof RequestError)) objects.set(item.name, changed);
    return changed;
  });
  await writeChanges(tx, answers);
  return answers;
};

/** Hashes of unknown algorithms are kept as well, if they are printable ASCII. */
export const checkedHashes = (hashes: object = {}): Hashes => {
  const words = Object.entries(hashes).flat() as unknown[];
  if (words.every((word) => typeof word === 'string' && /^[\x21-\x7e]{1,1024}$/.test(word))) {
    return hashes as Hashes;
  }
  throw new RequestError('InputError', 'Hashes are words of printable ASCII.');
};
