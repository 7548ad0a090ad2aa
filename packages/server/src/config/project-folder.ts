import { realpathSync, statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { resolve, sep } from 'node:path';

/** Folders of the machine, which are never shown to tasks, nor is their content. */
const closed = '/bin /boot /dev /etc /lib /lib32 /lib64 /libx32 /proc /run /sbin /sys /System'.split(' ');

/** Folders that may contain projects, but are not projects themselves. */
const shared = [
  '/home /media /mnt /opt /root /srv /tmp /usr /usr/local /usr/src /var',
  '/var/cache /var/lib /var/log /var/mail /var/run /var/spool /var/tmp',
  '/Applications /Library /private /private/tmp /private/var /Users /Volumes',
]
  .join(' ')
  .split(' ');

const realPathOf = (path: string): string | undefined => {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
};

/** Whether `inner` is `outer` or inside it, by their real paths. */
const isWithin = (inner: string, outer: string): boolean =>
  inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);

/** The home folders of this user; only that of the environment when the machine does not know the user. */
const homesOfUser = (): string[] => {
  try {
    return [homedir(), userInfo().homedir];
  } catch {
    return [homedir()];
  }
};

const realPathsOf = (paths: readonly string[]): string[] =>
  paths.map(realPathOf).filter((path) => path !== undefined && path !== '/') as string[];

/** A folder to show to tasks: its real path, or why it must not be shown. */
export type ProjectFolder =
  | { readonly path: string; readonly mistake?: never }
  | { readonly mistake: string; readonly path?: never };

/**
 * Resolves a folder that is to be shown to tasks, and refuses one that shows more than a project: the root, a home folder,
 * a system folder, or a folder that contains one of them.
 */
export const projectFolder = (folder: string): ProjectFolder => {
  const path = realPathOf(resolve(folder));
  if (path === undefined || !statSync(path).isDirectory())
    return { mistake: 'is not a folder of this machine' };
  if (path === '/') return { mistake: 'is the root of this machine' };
  const homes = realPathsOf(homesOfUser());
  if (homes.some((home) => isWithin(home, path)))
    return { mistake: `is a home folder, or around one: ${path}` };
  const [own, common] = [realPathsOf(closed), realPathsOf(shared)];
  const isOfSystem =
    own.some((one) => isWithin(path, one) || isWithin(one, path)) ||
    common.some((one) => isWithin(one, path));
  return isOfSystem ? { mistake: `is a folder of the system: ${path}` } : { path };
};
