import {
  type Fields,
  isFields,
  type Mistake,
  render,
  type Source,
  validatorOf,
} from '@taskyard/taskcluster-yml/template';
import { inOurWordsAtTop } from './foreign-keys.ts';
import { type Origin, readOrigin } from './origin.ts';
import { type ParamDeclaration, readParams } from './params.ts';
import { fileSchema, taskSchema } from './schema.ts';

const check = validatorOf(fileSchema);
const taskKeys = Object.keys(taskSchema.properties as Fields);

/** Checks the top-level keys and reads the parameters; `params` is absent when a parameter has no valid value. */
export const readForm = (
  source: Source,
  given: Readonly<Record<string, string>>,
): { params?: Fields; mistakes: Mistake[] } => {
  const wrong = check(source.content)
    .map((refusal) => inOurWordsAtTop(refusal, taskKeys))
    .map(({ path, message }) => source.mistake(path, message));
  const { params, mistakes } = readParams(source, declarationsOf(source), given);
  return { ...(mistakes.length === 0 && { params }), mistakes: [...source.repeated, ...wrong, ...mistakes] };
};

/** Declarations of the wrong form are reported by the check and left out here. */
const declarationsOf = ({ content }: Source): Record<string, ParamDeclaration> => {
  const declared = isFields(content) && isFields(content.params) ? content.params : {};
  const isDeclaration = (entry: [string, unknown]): entry is [string, ParamDeclaration] => isFields(entry[1]);
  return Object.fromEntries(Object.entries(declared).filter(isDeclaration));
};

/** The rendered parts of a file outside of its tasks. */
export interface Head {
  readonly name: string;
  readonly description?: string;
  readonly defaults: Fields;
  readonly origin?: Origin;
  readonly mistakes: readonly Mistake[];
}

export const renderHead = (source: Source, context: Fields): Head => {
  const content = isFields(source.content) ? source.content : {};
  const mistakes: Mistake[] = [];
  const part = (key: string): unknown => {
    const rendered = render(content[key] ?? null, [key], context);
    mistakes.push(...rendered.mistakes.map(({ path, message }) => source.mistake(path, message)));
    return rendered.value;
  };
  const [name, description, defaults] = [part('name'), part('description'), part('defaults')];
  const { origin, mistakes: misshapen } = readOrigin(source, part('source'));
  mistakes.push(...misshapen);
  return {
    name: typeof name === 'string' ? name : '',
    ...(typeof description === 'string' && { description }),
    defaults: isFields(defaults) ? defaults : {},
    ...(origin !== undefined && { origin }),
    mistakes,
  };
};
