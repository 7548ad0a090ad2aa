import type { ArtifactResponse, ListTaskGroupResponse, Queue } from '@taskyard/client';

/** Reads all pages of a listing. */
export async function* allPages<Page extends { continuationToken?: string }>(
  read: (query: { continuationToken?: string }) => Promise<Page>,
): AsyncGenerator<Page> {
  let continuationToken: string | undefined;
  do {
    const page = await read(continuationToken === undefined ? {} : { continuationToken });
    yield page;
    continuationToken = page.continuationToken;
  } while (continuationToken !== undefined);
}

/** The artifacts of a task's run, by default of its latest. */
export const listArtifacts = async (
  queue: Queue,
  { taskId, runId }: { readonly taskId: string; readonly runId?: number | undefined },
): Promise<ArtifactResponse[]> => {
  const found: ArtifactResponse[] = [];
  const pages = allPages((query) =>
    runId === undefined
      ? queue.listLatestArtifacts(taskId, query)
      : queue.listArtifacts(taskId, runId, query),
  );
  for await (const page of pages) found.push(...page.artifacts);
  return found;
};

/** A task of a group, as the queue lists it. */
export type ListedTask = ListTaskGroupResponse['tasks'][number];

/** All tasks of a group. */
export const listGroup = async (queue: Queue, taskGroupId: string): Promise<ListedTask[]> => {
  const found: ListedTask[] = [];
  for await (const page of allPages((query) => queue.listTaskGroup(taskGroupId, query)))
    found.push(...page.tasks);
  return found;
};

/** All items of a listing, of all its pages. */
export const allItems = async <Page extends { continuationToken?: string }, Item>(
  read: (query: { continuationToken?: string }) => Promise<Page>,
  itemsOf: (page: Page) => readonly Item[],
): Promise<Item[]> => {
  const found: Item[] = [];
  for await (const page of allPages(read)) found.push(...itemsOf(page));
  return found;
};
