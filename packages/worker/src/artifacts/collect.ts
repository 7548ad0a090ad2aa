import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { join, posix, relative } from 'node:path';
import { placeInside } from '../mounts/index.ts';
import type { ArtifactDescription, ContentEncoding } from '../payload/index.ts';
import { contentEncodingOf, contentTypeOf } from './content-types.ts';

/** A file to upload. */
export interface CollectedFile {
  readonly name: string;
  readonly path: string;
  readonly expires: Date;
  readonly contentType: string;
  readonly contentEncoding: ContentEncoding;
}

/** An artifact that should be there but cannot be, and why. */
export interface MissingArtifact {
  readonly name: string;
  readonly expires: Date;
  readonly reason: 'file-missing-on-worker' | 'invalid-resource-on-worker' | 'file-not-readable-on-worker';
  readonly message: string;
}

export interface Collection {
  readonly files: readonly CollectedFile[];
  readonly missing: readonly MissingArtifact[];
}

type Found = CollectedFile | MissingArtifact;

/** Finds what the commands left behind of the artifacts that their task declares. */
export const collectArtifacts = async (
  directory: string,
  artifacts: readonly ArtifactDescription[],
): Promise<Collection> => {
  const found: Found[] = [];
  for (const artifact of artifacts) found.push(...(await collectArtifact(directory, artifact)));
  return {
    files: found.filter((one): one is CollectedFile => 'path' in one),
    missing: found.filter((one): one is MissingArtifact => 'reason' in one),
  };
};

const missing = (
  { name, expires }: Pick<ArtifactDescription, 'name' | 'expires'>,
  reason: MissingArtifact['reason'],
  message: string,
): MissingArtifact => ({ name, expires, reason, message });

const collectArtifact = async (directory: string, artifact: ArtifactDescription): Promise<Found[]> => {
  const { path, type } = artifact;
  const place = await placeInside(directory, path);
  if (place === undefined) {
    return [missing(artifact, 'invalid-resource-on-worker', `${path} leads out of the task's directory.`)];
  }
  const found = await stat(place).catch(() => undefined);
  if (!found) {
    const message = `The task left no ${type} at ${path}.`;
    return artifact.isOptional ? [] : [missing(artifact, 'file-missing-on-worker', message)];
  }
  if (type === 'file' ? !found.isFile() : !found.isDirectory()) {
    return [missing(artifact, 'invalid-resource-on-worker', `${path} is there, but it is no ${type}.`)];
  }
  return type === 'file' ? [await readableFile(artifact, place)] : walk(directory, artifact, place);
};

const readableFile = async (artifact: ArtifactDescription, path: string): Promise<Found> => {
  const { name, expires } = artifact;
  if (!/^[\x20-\x7e]{1,1024}$/.test(name)) {
    const printable = encodeURI(name).slice(0, 1024);
    const message = 'The names of artifacts are at most 1024 printable ASCII characters.';
    return missing({ name: printable, expires }, 'invalid-resource-on-worker', message);
  }
  try {
    await access(path, constants.R_OK);
  } catch {
    return missing(artifact, 'file-not-readable-on-worker', `The worker may not read ${artifact.path}.`);
  }
  return {
    name,
    path,
    expires,
    contentType: artifact.contentType ?? contentTypeOf(name),
    contentEncoding: artifact.contentEncoding ?? contentEncodingOf(name),
  };
};

/** The files below a directory. Links to directories are not followed, as they may lead in circles. */
const walk = async (directory: string, artifact: ArtifactDescription, root: string): Promise<Found[]> => {
  const entries = await readdir(root, { withFileTypes: true, recursive: true }).catch(() => undefined);
  if (!entries) {
    return [
      missing(artifact, 'file-not-readable-on-worker', `The worker may not read all of ${artifact.path}.`),
    ];
  }
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  const found: Found[] = [];
  for (const path of paths.sort()) {
    const below = relative(root, path);
    const one = {
      ...artifact,
      name: posix.join(artifact.name, below),
      path: posix.join(artifact.path, below),
    };
    found.push(...(await walkedFile(directory, one, path)));
  }
  return found;
};

const walkedFile = async (
  directory: string,
  artifact: ArtifactDescription,
  path: string,
): Promise<Found[]> => {
  const place = await placeInside(directory, path);
  const found = place === undefined ? undefined : await stat(place).catch(() => undefined);
  if (place !== undefined && found?.isFile()) return [await readableFile(artifact, place)];
  if (found?.isDirectory()) return [];
  const message = `${artifact.path} is neither a file nor a link to one in the task's directory.`;
  return [missing(artifact, 'invalid-resource-on-worker', message)];
};
