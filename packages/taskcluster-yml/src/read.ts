import { versionOneSchema, versionZeroSchema } from './schema.ts';
import {
  type Fields,
  isFields,
  type Mistake,
  MistakesError,
  parseSource,
  type Source,
  validatorOf,
} from './template/index.ts';
import type { YmlFile } from './types.ts';

/** A file of a known form. */
export interface ReadFile {
  readonly source: Source;
  readonly version: 0 | 1;
  readonly config: Fields;
}

const checks = { 0: validatorOf(versionZeroSchema), 1: validatorOf(versionOneSchema) };

const versionOf = (source: Source): { version?: 0 | 1; mistake?: Mistake } => {
  const { content } = source;
  if (!isFields(content)) return { mistake: source.mistake([], 'the file must be a map that has a version') };
  const { version } = content;
  if (version === 0 || version === 1) return { version };
  const message =
    version === undefined
      ? 'version is missing: write "version: 1"'
      : `version must be 1, or 0 for files of the older kind, not ${JSON.stringify(version)}`;
  return { mistake: source.mistake(version === undefined ? [] : ['version'], message) };
};

/** Reads YAML and checks its outermost form. What is wrong comes with the file where the checks could go on. */
export const readFile = ({ text, fileName }: YmlFile): { file?: ReadFile; mistakes: readonly Mistake[] } => {
  let source: Source;
  try {
    source = parseSource(fileName, text);
  } catch (error) {
    if (error instanceof MistakesError) return { mistakes: error.mistakes };
    throw error;
  }
  const { version, mistake } = versionOf(source);
  if (version === undefined) return { mistakes: mistake ? [mistake] : [] };
  const misshapen = checks[version](source.content).map(({ path, message }) => source.mistake(path, message));
  return {
    file: { source, version, config: source.content as Fields },
    mistakes: [...source.repeated, ...misshapen],
  };
};
