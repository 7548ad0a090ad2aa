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

type Names = Pick<Named, 'organization' | 'repository'>;

const note = async (
  tx: Transaction,
  { named, before }: { readonly named: Named; readonly before: Names | undefined },
  { now, context }: Work<Context>,
): Promise<void> => {
  const { repositoryId } = named;
  const known = { ...named, ...keysOf(named) };
  await store.lockNames(tx);
  // Those that a process of an earlier version has made meanwhile.
  if (before) await store.numberBuilds(tx, keysOf(before), repositoryId);
  const former = await store.releaseName(tx, known);
  // Builds without a number are those of the repository that had the name first.
  await store.numberBuilds(tx, known, former ?? repositoryId);
  if (former !== undefined) await store.hideBuilds(tx, former, keyWithoutName(former));
  await store.saveName(tx, known);
  const recent = await store.renameBuilds(tx, known, later(now, -repeatedMs));
  if (recent.length === 0) return;
  await store.repeatReports(tx, recent, now);
  tx.afterCommit(() => context.touched.wake());
};

/**
 * Notes what repositories are called now. The builds of one that was renamed or transferred go by its new name from then on,
 * and one that takes the name of another has none of its builds. Safe to repeat.
 */
export const noteRepositories: Verb<Named, undefined, Context> = async (tx, all, work) => {
  const latest = new Map(all.map((named) => [named.repositoryId, named]));
  const known = new Map(
    (await store.readRepositories(tx, [...latest.keys()])).map((row) => [row.repositoryId, row]),
  );
  for (const named of latest.values()) {
    const { organization = null, repository = null } = known.get(named.repositoryId) ?? {};
    const before = organization === null || repository === null ? undefined : { organization, repository };
    // One by one: it happens rarely, and two may have had the same name one after the other.
    if (organization !== named.organization || repository !== named.repository)
      await note(tx, { named, before }, work);
  }
  return all.map(() => undefined);
};
