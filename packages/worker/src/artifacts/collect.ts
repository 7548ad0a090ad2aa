import { accessSync, constants, type Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { posix } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { ArtifactDescription, ContentEncoding } from '../payload/index.ts';
import {
  findInside,
  type HeldDirectory,
  holdDirectory,
  LeadsOut,
  type Places,
  type Root,
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
  readonly inside?: Root | undefined;
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

// Looked at in one go: a thread's way there and back for each of ten thousand would cost ten times as much.
const entriesAtOnceMax = 64;

const unnameable = 'The names of artifacts are at most 1024 printable ASCII characters.';

type Found = CollectedFile | MissingArtifact;

/** An artifact as the task declares it, or where the worker has put it. */
export interface FoundArtifact extends ArtifactDescription {
  /** What its path begins at; by default what that of a task begins at. */
  readonly root?: Root;
}

export interface Collecting extends Places {
  /** Names that are the worker's own to fill. */
  readonly ownNames?: readonly string[];
}

/**
 * Finds the declared artifacts that the commands left behind. An error with one does not affect others.
 */
export const collectArtifacts = async (
  { ownNames = [], ...places }: Collecting,
  artifacts: readonly FoundArtifact[],
): Promise<Collection> => {
  const found = new Map<string, Found>();
  const warnings: string[] = [];
  for (const artifact of artifacts) {
    for (const one of await collectArtifact(places, artifact)) {
      const { name } = one;
      if (ownNames.includes(name)) {
        warnings.push(
          `${name} of the task's ${artifact.type} ${shownPath(artifact)} is left out: the worker itself makes it`,
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

/** The path by which the task knows it. */
const shownPath = ({ path, shownAs = path }: ArtifactDescription): string => shownAs;

const missingFor = (artifact: ArtifactDescription, error: unknown): MissingArtifact => {
  const { type } = artifact;
  const path = shownPath(artifact);
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

const collectArtifact = async (places: Places, declared: FoundArtifact): Promise<Found[]> => {
  const { root, path } = declared.root
    ? { root: declared.root, path: declared.path }
    : rootOf(places, declared.path);
  const artifact = { ...declared, path, shownAs: shownPath(declared) };
  const { type } = artifact;
  try {
    return await findInside(root, path, async (entry) => {
      const kind = entry ? entry.kind : 'directory';
      if (kind !== type) {
        const message = `${shownPath(declared)} is there, but it is no ${type}.`;
        return [missing(artifact, 'invalid-resource-on-worker', message)];
      }
      if (entry && kind === 'file')
        return [await readableFile({ root, artifact }, entry.parent.at(entry.name))];
      const held = holdDirectory(entry ? entry.parent.at(entry.name) : root.directory);
      return await withHeld(held, (top) => walk({ root, artifact }, top));
    });
  } catch (error) {
    return [missingFor(declared, error)];
  }
};

interface Walk {
  readonly root: Root;
  readonly artifact: ArtifactDescription;
}

const readableFile = async ({ root, artifact }: Walk, place: Buffer): Promise<Found> => {
  const { name, path, expires, isOptional, contentType, contentEncoding } = artifact;
  if (printable(name) !== name || name === '')
    return missing(artifact, 'invalid-resource-on-worker', unnameable);
  try {
    accessSync(place, constants.R_OK);
  } catch (error) {
    return missingFor(artifact, error);
  }
  return {
    name,
    path,
    inside: root,
    expires,
    isOptional,
    contentType: contentType ?? contentTypeOf(name),
    contentEncoding: contentEncoding ?? contentEncodingOf(name),
  };
};

/** The files below a directory. Links to directories are not followed, since they may form cycles. */
const walk = async (walked: Walk, held: HeldDirectory): Promise<Found[]> => {
  const entries = await readdir(held.path, { withFileTypes: true, encoding: 'buffer' });
  entries.sort((a, b) => Buffer.compare(a.name, b.name));
  const found: Found[] = [];
  for (const [index, entry] of entries.entries()) {
    if (index % entriesAtOnceMax === 0) await setImmediate();
    found.push(...(await foundAt(walked, held, entry)));
  }
  return found;
};

const foundAt = async (
  { root, artifact }: Walk,
  held: HeldDirectory,
  entry: Dirent<Buffer>,
): Promise<Found[]> => {
  const { walked, isNameable } = below(artifact, entry.name);
  try {
    if (!isNameable) return [missing(walked, 'invalid-resource-on-worker', unnameable)];
    if (entry.isFile()) return [await readableFile({ root, artifact: walked }, held.at(entry.name))];
    if (!entry.isDirectory()) return await linkedFile({ root, artifact: walked });
    const inner = holdDirectory(held.at(entry.name));
    return await withHeld(inner, (below) => walk({ root, artifact: walked }, below));
  } catch (error) {
    return [missingFor(walked, error)];
  }
};

/** An entry as an artifact. A name that is not UTF-8 is written with its bytes. */
const below = (artifact: ArtifactDescription, entry: Buffer) => {
  const text = entry.toString();
  const isText = Buffer.from(text).equals(entry);
  const name = posix.join(artifact.name, isText ? text : printable(entry));
  const path = posix.join(artifact.path, isText ? text : printable(entry));
  const shownAs = posix.join(shownPath(artifact), isText ? text : printable(entry));
  return { walked: { ...artifact, name, path, shownAs }, isNameable: isText && name === printable(name) };
};

/** The artifact of an entry that is neither a directory nor a file. A link to a file counts as one, if it stays inside. */
const linkedFile = async ({ root, artifact }: Walk): Promise<Found[]> => {
  const message = `${shownPath(artifact)} is neither a file nor a link to one in the task's directory.`;
  const others = [missing(artifact, 'invalid-resource-on-worker', message)];
  const found = findInside(root, artifact.path, async (entry) => {
    if (!entry || entry.kind === 'directory') return [];
    return entry.kind === 'file'
      ? [await readableFile({ root, artifact }, entry.parent.at(entry.name))]
      : others;
  });
  return found.catch((error) => {
    if (error instanceof LeadsOut || ['ENOENT', 'ENOTDIR'].includes(error.code)) return others;
    throw error;
  });
};
