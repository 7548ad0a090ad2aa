import { Views } from '@taskyard/client';
import { type ConnectedOptions, serverOf } from './connected.ts';
import type { Io } from './io.ts';
import { allPages } from './listings.ts';

/** A client of the service `views` of the server that a command's options and environment name. */
export const viewsOf = (io: Io, options: ConnectedOptions): Views =>
  new Views({ ...serverOf(io, options), retries: 3 });

/** The first items of a listing that has short pages. */
export const firstItems = async <Page extends { continuationToken?: string }, Item>(
  limit: number,
  read: (query: { continuationToken?: string; limit: string }) => Promise<Page>,
  itemsOf: (page: Page) => readonly Item[],
): Promise<Item[]> => {
  const found: Item[] = [];
  for await (const page of allPages((query) => read({ ...query, limit: String(limit - found.length) }))) {
    found.push(...itemsOf(page));
    if (found.length >= limit) break;
  }
  return found;
};
