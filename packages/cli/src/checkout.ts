import { access } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The git checkout of a folder; undefined when it is not part of one. */
export const checkoutOf = async (folder: string): Promise<string | undefined> => {
  for (let place = resolve(folder); ; place = dirname(place)) {
    if (await exists(join(place, '.git'))) return place;
    if (place === dirname(place)) return undefined;
  }
};
