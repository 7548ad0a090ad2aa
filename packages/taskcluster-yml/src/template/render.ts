import jsone from 'json-e';
import { listOf, suggestion } from './mistakes.ts';
import { type Fields, isFields, type Path } from './values.ts';

/** What json-e refused, and where in the template. */
export interface RenderMistake {
  readonly path: Path;
  readonly message: string;
}
/** `value` is absent when the template rendered to nothing (an `$if` without `else`) or failed. */
export interface Rendered {
  readonly value?: unknown;
  readonly mistakes: readonly RenderMistake[];
}

/** Render a template; when it fails, every part of it that fails on its own is named. */
export const render = (template: unknown, path: Path, context: Fields): Rendered => {
  const whole = tried(template, context);
  return whole.failure === undefined
    ? { ...whole.rendered, mistakes: [] }
    : { mistakes: mistakesIn({ template, path, context }, whole.failure) };
};

/** Whether json-e takes this map for an expression instead of a map. */
export const isExpression = (value: unknown): boolean =>
  isFields(value) && Object.keys(value).some((key) => /^\$[a-zA-Z]/.test(key));

interface Attempt {
  readonly rendered: { value?: unknown };
  readonly failure?: unknown;
}

/** The box shows whether the template vanished, which json-e would answer by null. */
const tried = (template: unknown, context: Fields): Attempt => {
  try {
    return { rendered: jsone({ value: template }, context) };
  } catch (failure) {
    return { rendered: {}, failure };
  }
};

interface Part {
  readonly template: unknown;
  readonly path: Path;
  readonly context: Fields;
}

/** json-e stops at its first error, so the parts of plain maps and lists are rendered one by one. */
const mistakesIn = ({ template, path, context }: Part, failure: unknown): RenderMistake[] => {
  const parts = partsOf(template).flatMap(([key, part]) => {
    const attempt = tried(part, context);
    if (attempt.failure === undefined) return [];
    return mistakesIn({ template: part, path: [...path, key], context }, attempt.failure);
  });
  return parts.length > 0
    ? parts
    : [
        {
          path: [...path, ...placeOf(failure)],
          message: `${inOurWords(template, failure, context)}${shellHint(template, failure)}`,
        },
      ];
};

const partsOf = (template: unknown): [string | number, unknown][] => {
  if (Array.isArray(template)) return [...template.entries()];
  return isFields(template) && !isExpression(template) ? Object.entries(template) : [];
};

/** json-e notes the way to an error inside an operator as `.key`, `["a key"]` and `[0]`, below our own box. */
const placeOf = (failure: unknown): Path => {
  const { location } = failure as { location?: readonly string[] };
  return (location ?? []).slice(1).map((step) => (step.startsWith('.') ? step.slice(1) : parsedStep(step)));
};

const parsedStep = (step: string): string | number => JSON.parse(step.slice(1, -1));

const unknownName = (failure: unknown): string | undefined =>
  /^unknown context value (\w+)$/.exec(messageOf(failure))?.[1];

/** What json-e says, in a sentence that helps where a name is not known. */
const inOurWords = (template: unknown, failure: unknown, context: Fields): string => {
  const name = unknownName(failure);
  if (name !== undefined) {
    const known = Object.keys(context);
    // In a text it was most likely meant for a shell, and the hint says more than a list.
    const others = typeof template === 'string' ? '' : `: the file knows ${listOf(known, 'and')}`;
    return `there is no value "${name}"${suggestion(name, known) || others}`;
  }
  const [, key] = /^object has no property "(\w+)"$/.exec(messageOf(failure)) ?? [];
  if (key !== undefined && isFields(context.params) && JSON.stringify(template).includes(`params.${key}`))
    return `there is no parameter "${key}"${suggestion(key, Object.keys(context.params))}`;
  return messageOf(failure);
};

/** What was meant for a shell is the likeliest reason for a text that cannot be rendered. */
const shellHint = (template: unknown, failure: unknown): string => {
  if (typeof template !== 'string' || !template.includes('${')) return '';
  const name = unknownName(failure);
  if (name !== undefined) return `; to leave it to a shell, write $\${${name}}`;
  const isUnread = failure instanceof Error && failure.name === 'SyntaxError';
  return isUnread ? `; to leave \${…} to a shell, write $\${…}` : '';
};

const messageOf = (failure: unknown): string =>
  failure instanceof Error ? failure.message : String(failure);
