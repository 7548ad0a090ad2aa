import { type Fields, isFields, type Source } from '@taskyard/taskcluster-yml/template';

// json-e's own functions and constants.
const builtIn = [
  ...['abs', 'ceil', 'defined', 'floor', 'fromNow', 'join', 'len', 'lowercase', 'lstrip', 'max', 'min'],
  ...['number', 'range', 'rstrip', 'split', 'sqrt', 'str', 'strip', 'typeof', 'uppercase'],
  ...['true', 'false', 'null'],
];

/** The names that operators of json-e bind: `each(x, i)`, `by(x)` and the keys of `$let`. */
const boundNames = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(boundNames);
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const [, names] = /^(?:each|by)\((.*)\)$/.exec(key) ?? [];
    const bound = names?.split(',').map((name) => name.trim()) ?? [];
    const declared = key === '$let' && isFields(inner) ? Object.keys(inner) : [];
    return [...bound, ...declared, ...boundNames(inner)];
  });
};

/** Whether the text after `${` is an expression of the file: it begins with a known name, or a string. */
const isExpression = (inside: string, known: ReadonlySet<string>): boolean => {
  const [, start = ''] = /^[\s([{!+-]*(['"]|[A-Za-z_]\w*)?/.exec(inside) ?? [];
  return start === "'" || start === '"' || known.has(start);
};

const escaped = (script: string, known: ReadonlySet<string>): string =>
  script.replace(/(?<!\$)\$\{(?=([^}]*))/g, (opening, inside: string) =>
    isExpression(inside, known) ? opening : `$${opening}`,
  );

const withScriptsEscaped = (value: unknown, known: ReadonlySet<string>): unknown => {
  if (Array.isArray(value)) return value.map((item) => withScriptsEscaped(item, known));
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 'run' && typeof inner === 'string' ? escaped(inner, known) : withScriptsEscaped(inner, known),
    ]),
  );
};

/** Escapes `${NAME}` in scripts for the shell, unless it is an expression of the file. */
export const leaveToShell = (source: Source, context: Fields): Source => {
  const { content } = source;
  if (!isFields(content)) return source;
  const known = new Set([...builtIn, ...Object.keys(context), ...boundNames(content)]);
  return { ...source, content: withScriptsEscaped(content, known) };
};

/** The command that runs a script, which exits at the first failing command, also in a pipe. */
export const shellCommand = (script: string): string[] => ['bash', '-eo', 'pipefail', '-c', script];
