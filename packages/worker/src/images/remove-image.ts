import type Docker from 'dockerode';
import { statusOf } from '../retry.ts';

/** The statuses by which a daemon says that an image is in use, or gone. */
const conflict = 409;
const gone = 404;

const idOf = async (docker: Docker, name: string): Promise<string | undefined> => {
  try {
    return (await docker.getImage(name).inspect()).Id;
  } catch (error) {
    if (statusOf(error) === gone) return undefined;
    throw error;
  }
};

/** Returns whether it is gone. Without force: with it, a daemon takes an image from containers that do not run. */
const removeName = async (docker: Docker, name: string): Promise<boolean> => {
  try {
    await docker.getImage(name).remove();
    return true;
  } catch (error) {
    const status = statusOf(error);
    if (status === conflict) return false;
    if (status !== gone) throw error;
    return true;
  }
};

/**
 * Removes an image under the names that the worker gave it. `in use`: a container of anybody's has it. `kept`: it has
 * names of others, which keep it.
 */
export const removeImage = async (
  docker: Docker,
  { id, names }: { readonly id: string; readonly names: readonly string[] },
): Promise<'removed' | 'kept' | 'in use'> => {
  for (const name of names) {
    // The name may mean another image by now.
    if ((await idOf(docker, name)) !== id) continue;
    if (!(await removeName(docker, name))) return 'in use';
  }
  if ((await idOf(docker, id)) === undefined) return 'removed';
  const { RepoTags: tags } = await docker.getImage(id).inspect();
  if (names.length > 0 && (tags ?? []).length > 0) return 'kept';
  return (await removeName(docker, id)) ? 'removed' : 'in use';
};
