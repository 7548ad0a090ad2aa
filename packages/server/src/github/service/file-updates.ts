import type { Repository } from '../api/index.ts';
import type { PushPayload } from '../webhook/index.ts';
import { fileName } from './trust.ts';

// The most commits of a push, and files of a commit, that GitHub lists. It does not say that there are more.
const [commitsMax, filesMax] = [2048, 3000];

type Commit = PushPayload['commits'][number];

const listsOf = ({ added = [], modified = [], removed = [] }: Commit) => [added, modified, removed];

const isCut = ({ commits }: PushPayload): boolean =>
  commits.length >= commitsMax ||
  commits.some((commit) => listsOf(commit).some((files) => files.length >= filesMax));

const none = /^0+$/;

/** Whether a push has changed the file: by its commits or, where GitHub has left some out, by what the file was and is. */
export const changesFile = async (repository: Repository, push: PushPayload): Promise<boolean> => {
  if (push.commits.some((commit) => listsOf(commit).some((files) => files.includes(fileName)))) return true;
  if (!isCut(push)) return false;
  const { before, after } = push;
  const earlier = none.test(before) ? undefined : await repository.fileAt(fileName, before);
  return earlier?.sha !== (await repository.fileAt(fileName, after))?.sha;
};
