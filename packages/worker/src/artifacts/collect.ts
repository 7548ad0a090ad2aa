import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { posix } from 'node:path';
import type { ArtifactDescription, ContentEncoding } from '../payload/index.ts';
import {
  findInside,
  type HeldDirectory,
  holdDirectory,
  LeadsOut,
  rootOf,
  systemReason,
  withHeld,
} from '../trees/index.ts';
import { contentEncodingOf, contentTypeOf } from './content-types.ts';
import { printable } from './printable.ts';

/** A file to upload. */
export interface CollectedFile {
  readonly name: string;
  readonly path: string;
  /** The path is below this directory, which a task has filled, and must not lead out of it. */
  readonly inside?: string | undefined;
  readonly expires: Date;
  readonly contentType: string;
  readonly contentEncoding: ContentEncoding;
  readonly isOptional?: boolean | undefined;
}

/** An artifact that should be there but cannot be, and why. */
export interface MissingArtifact {
  readonly name: string;
  readonly expires: Date;
  readonly reason: 'file-missing-on-worker' | 'invalid-resource-on-worker' | 'file-not-readable-on-worker';
  readonly message: string;
  readonly isOptional: boolean;
}

export interface Collection {
  readonly files: readonly CollectedFile[];
  /** Required artifacts that are missing or invalid. */
  readonly missing: readonly MissingArtifact[];
  /** The omissions that do not fail the task, in sentences. */
  readonly warnings: readonly string[];
}

const unnameable = 'The names of artifacts are at most 1024 printable ASCII characters.';

type Found = CollectedFile | MissingArtifact;

export interface Collecting {
  /** The task's own directory. */
  readonly directory: string;
  /** Names that are the worker's own to fill. */
  readonly ownNames?: readonly string[];
}

/**
 * Finds the declared artifacts that the commands left behind. An error with one does not affect others.
 */
export const collectArtifacts = async (
  { directory, ownNames = [] }: Collecting,
  artifacts: readonly ArtifactDescription[],
): Promise<Collection> => {
  const found = new Map<string, Found>();
  const warnings: string[] = [];
  for (const artifact of artifacts) {
    for (const one of await collectArtifact(directory, artifact)) {
      const { name } = one;
      if (ownNames.includes(name)) {
        warnings.push(
          `${name} of the task's ${artifact.type} ${artifact.path} is left out: the worker itself makes it`,
        );
      } else if ('reason' in one && one.isOptional) {
        warnings.push(`${name} is left out, as it is optional: ${one.message}`);
      } else {
        if (found.has(name)) warnings.push(`${name} is declared more than once; the last one counts`);
        found.set(name, one);
      }
    }
  }
  const all = [...found.values()];
  return {
    files: all.filter((one): one is CollectedFile => 'path' in one),
    missing: all.filter((one): one is MissingArtifact => 'reason' in one),
    warnings,
  };
};

const missing = (
  { name, expires, isOptional }: Pick<ArtifactDescription, 'name' | 'expires' | 'isOptional'>,
  reason: MissingArtifact['reason'],
  message: string,
): MissingArtifact => ({ name: printable(name), expires, isOptional, reason, message });

const missingFor = (artifact: ArtifactDescription, error: unknown): MissingArtifact => {
  const { path, type } = artifact;
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof LeadsOut) {
    return missing(artifact, 'invalid-resource-on-worker', `${path} leads out of the task's directory.`);
  }
  if (code === 'ENOENT') {
    return missing(artifact, 'file-missing-on-worker', `The task left no ${type} at ${path}.`);
  }
  if (code === 'ENOTDIR' || code === 'ENAMETOOLONG') {
    return missing(
      artifact,
      'invalid-resource-on-worker',
      `${path} cannot be there: ${systemReason(error)}.`,
    );
  }
  return missing(
    artifact,
    'file-not-readable-on-worker',
    `The worker may not read all of ${path}: ${systemReason(error)}.`,
  );
};

const collectArtifact = async (taskDirectory: string, declared: ArtifactDescription): Promise<Found[]> => {
  const { root: directory, path } = rootOf(taskDirectory, declared.path);
  const artifact = { ...declared, path };
  const { type } = artifact;
  try {
    return await findInside(directory, path, async (entry) => {
      const kind = entry ? entry.kind : 'directory';
      if (kind !== type) {
        const message = `${declared.path} is there, but it is no ${type}.`;
        return [missing(artifact, 'invalid-resource-on-worker', message)];
      }
      if (entry && kind === 'file')
        return [await readableFile({ directory, artifact }, entry.parent.at(entry.name))];
      const held = holdDirectory(entry ? entry.parent.at(entry.name) : directory);
      return await withHeld(held, (root) => walk({ directory, artifact }, root));
    });
  } catch (error) {
    return [missingFor(declared, error)];
  }
};

interface Walk {
  readonly directory: string;
  readonly artifact: ArtifactDescription;
}

const readableFile = async ({ directory, artifact }: Walk, place: Buffer): Promise<Found> => {
  const { name, path, expires, isOptional, contentType, contentEncoding } = artifact;
  if (printable(name) !== name || name === '')
    return missing(artifact, 'invalid-resource-on-worker', unnameable);
  try {
    await access(place, constants.R_OK);
  } catch (error) {
    return missingFor(artifact, error);
  }
  return {
    name,
    path,
    inside: directory,
    expires,
    isOptional,
    contentType: contentType ?? contentTypeOf(name),
    contentEncoding: contentEncoding ?? contentEncodingOf(name),
  };
};

/** The files below a directory. Links to directories are not followed, since they may form cycles. */
const walk = async ({ directory, artifact }: Walk, root: HeldDirectory): Promise<Found[]> => {
  const found: Found[] = [];
  const entries = await readdir(root.path, { withFileTypes: true, encoding: 'buffer' });
  entries.sort((a, b) => Buffer.compare(a.name, b.name));
  for (const entry of entries) {
    const { walked, isNameable } = below(artifact, entry.name);
    try {
      if (!isNameable) found.push(missing(walked, 'invalid-resource-on-worker', unnameable));
      else if (entry.isDirectory()) {
        const inner = holdDirectory(root.at(entry.name));
        found.push(...(await withHeld(inner, (held) => walk({ directory, artifact: walked }, held))));
      } else if (entry.isFile()) {
        found.push(await readableFile({ directory, artifact: walked }, root.at(entry.name)));
      } else found.push(...(await linkedFile({ directory, artifact: walked })));
    } catch (error) {
      found.push(missingFor(walked, error));
    }
  }
  return found;
};

/** An entry as an artifact. A name that is not UTF-8 is written with its bytes. */
const below = (artifact: ArtifactDescription, entry: Buffer) => {
  const text = entry.toString();
  const isText = Buffer.from(text).equals(entry);
  const name = posix.join(artifact.name, isText ? text : printable(entry));
  const path = posix.join(artifact.path, isText ? text : printable(entry));
  return { walked: { ...artifact, name, path }, isNameable: isText && name === printable(name) };
};

/** The artifact of an entry that is neither a directory nor a file. A link to a file counts as one, if it stays inside. */
const linkedFile = async ({ directory, artifact }: Walk): Promise<Found[]> => {
  const message = `${artifact.path} is neither a file nor a link to one in the task's directory.`;
  const others = [missing(artifact, 'invalid-resource-on-worker', message)];
  const found = findInside(directory, artifact.path, async (entry) => {
    if (!entry || entry.kind === 'directory') return [];
    return entry.kind === 'file'
      ? [await readableFile({ directory, artifact }, entry.parent.at(entry.name))]
      : others;
  });
  return found.catch((error) => {
    if (error instanceof LeadsOut || ['ENOENT', 'ENOTDIR'].includes(error.code)) return others;
    throw error;
  });
};
