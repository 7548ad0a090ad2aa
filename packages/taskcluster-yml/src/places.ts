import { type Fields, isExpression, isFields, type Path, render } from './template/index.ts';

// No file can hold it as a key.
const mark = '\0place';

const isTaskLike = (map: Fields): boolean => 'metadata' in map || 'payload' in map;

/** The template with a number in every map that may become a task; the number is that of its path. */
const marked = (template: unknown, path: Path, paths: Path[]): unknown => {
  if (Array.isArray(template)) return template.map((item, index) => marked(item, [...path, index], paths));
  if (!isFields(template)) return template;
  const inner = Object.entries(template).map(([key, value]) => [key, marked(value, [...path, key], paths)]);
  if (isExpression(template) || !isTaskLike(template)) return Object.fromEntries(inner);
  const number = paths.push(path) - 1;
  return Object.fromEntries([...inner, [mark, number]]);
};

/**
 * Where in the template each rendered task comes from: the path of the map that holds its metadata or payload, or that of
 * the whole where that cannot be told. It renders once more, so that what a task is made of never depends on the marks.
 */
export const placesOf = (
  template: unknown,
  path: Path,
  { context, count }: { context: Fields; count: number },
): Path[] => {
  const paths: Path[] = [];
  const { value } = render(marked(template, path, paths), path, context);
  // A template that counts the keys of a task renders to something else with marks.
  const tasks = Array.isArray(value) && value.length === count ? value : [];
  return Array.from({ length: count }, (_, index) => {
    const task: unknown = tasks[index];
    const number = isFields(task) ? task[mark] : undefined;
    return (typeof number === 'number' ? paths[number] : undefined) ?? [...path, index];
  });
};

const nameIn = (map: Fields): string | undefined => {
  const { metadata } = map;
  return isFields(metadata) && typeof metadata.name === 'string' ? metadata.name : undefined;
};

/**
 * What a task is called at a path of a template, or above it: the last `metadata.name` on the way. Paths that json-e tells
 * leave the branches of operators out, so those are looked through.
 */
export const labelAt = (template: unknown, path: Path): string | undefined => {
  if (typeof template !== 'object' || template === null) return undefined;
  const map = template as Fields;
  const own = isFields(template) ? nameIn(map) : undefined;
  const [step, ...rest] = path;
  if (step === undefined) return own;
  if (Object.hasOwn(map, step)) return labelAt(map[step], rest) ?? own;
  const branches = isExpression(map) ? Object.values(map) : [];
  return branches.map((branch) => labelAt(branch, path)).find((label) => label !== undefined) ?? own;
};
