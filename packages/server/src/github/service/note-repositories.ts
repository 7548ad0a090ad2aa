import { days, later, type Transaction, type Verb, type Work } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { keysOf, keyWithoutName } from '../names.ts';
import * as store from '../store/index.ts';

/** What GitHub calls a repository, as one of its payloads says. */
export interface Named {
  readonly repositoryId: number;
  readonly organization: string;
  readonly repository: string;
  readonly installationId: number | null;
}

// GitHub may have refused what was sent by the installation of the former owner.
const repeatedMs = days(1);

type Name = Pick<Named, 'organization' | 'repository'>;

/** What some repositories are called, and who has a name, as far as that is known. */
class Names {
  readonly #names: Map<number, Name | undefined>;

  constructor(rows: readonly store.RepositoryNames[]) {
    this.#names = new Map(
      rows.map(({ repositoryId, organization, repository }) => [
        repositoryId,
        organization === null || repository === null ? undefined : { organization, repository },
      ]),
    );
  }

  of({ repositoryId }: Named): Name | undefined {
    return this.#names.get(repositoryId);
  }

  has(named: Named): boolean {
    const name = this.of(named);
    return name?.organization === named.organization && name.repository === named.repository;
  }

  /** Gives a repository its name, which the former one has no more. */
  give({ repositoryId, organization, repository }: Named, former: number | undefined): void {
    if (former !== undefined) this.#names.set(former, undefined);
    this.#names.set(repositoryId, { organization, repository });
  }
}

const readNames = async (tx: Transaction, all: readonly Named[]): Promise<Names> =>
  new Names(await store.readRepositories(tx, [...new Set(all.map(({ repositoryId }) => repositoryId))]));

/** Writes a name; returns the number of the repository that had it before. */
const note = async (
  tx: Transaction,
  { named, before }: { readonly named: Named; readonly before: Name | undefined },
  { now, context }: Work<Context>,
): Promise<number | undefined> => {
  const { repositoryId } = named;
  const known = { ...named, ...keysOf(named) };
  // Those that a process of an earlier version has made meanwhile.
  if (before) await store.numberBuilds(tx, keysOf(before), repositoryId);
  const former = await store.releaseName(tx, known);
  // Builds without a number are those of the repository that had the name first.
  await store.numberBuilds(tx, known, former ?? repositoryId);
  if (former !== undefined) await store.hideBuilds(tx, former, keyWithoutName(former));
  await store.saveName(tx, known);
  const recent = await store.renameBuilds(tx, known, later(now, -repeatedMs));
  if (recent.length > 0) {
    await store.repeatReports(tx, recent, now);
    tx.afterCommit(() => context.touched.wake());
  }
  return former;
};

/**
 * Notes what repositories are called now. The builds of one that was renamed or transferred go by its new name from then on,
 * and one that takes the name of another has none of its builds. Safe to repeat.
 */
export const noteRepositories: Verb<Named, undefined, Context> = async (tx, all, work) => {
  const done = all.map(() => undefined);
  const before = await readNames(tx, all);
  if (all.every((named) => before.has(named))) return done;
  await store.lockNames(tx);
  // Others may have changed them until they were locked.
  const names = await readNames(tx, all);
  // One by one, in the order in which they came: it happens rarely, and a name may change hands several times.
  for (const named of all)
    if (!names.has(named)) names.give(named, await note(tx, { named, before: names.of(named) }, work));
  return done;
};
