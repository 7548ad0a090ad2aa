import type { Items } from './item.ts';
import { labelAt, placesOf } from './places.ts';
import type { ReadFile } from './read.ts';
import { type Fields, isFields, type Mistake, type Rendered, render } from './template/index.ts';
import type { EventContext } from './types.ts';

/** The same label has the same taskId, within one rendering. */
const slugidsByLabel = (slugid: () => string): ((label: unknown) => string) => {
  const ids = new Map<string, string>();
  return (label) => {
    if (typeof label === 'object') throw new Error('as_slugid expects a label');
    const known = ids.get(String(label)) ?? slugid();
    ids.set(String(label), known);
    return known;
  };
};

const contextOf = ({ names, rootUrl, tasksFor, event, now }: EventContext, slugid: () => string): Fields => ({
  ...names,
  taskcluster_root_url: rootUrl,
  tasks_for: tasksFor,
  ...(event !== undefined && { event }),
  as_slugid: slugidsByLabel(slugid),
  now,
});

/** A list is rendered item by item, so that the mistakes of one task hide no other's. */
const renderParts = (template: unknown, context: Fields): Rendered[] => {
  if (!Array.isArray(template)) return [render(template, ['tasks'], context)];
  return template.map((item, index) => render(item, ['tasks', index], context));
};

const notAList = ({ source, config }: ReadFile, value: unknown): Mistake[] => {
  const shown = isFields(value) ? 'a map' : JSON.stringify(value);
  const hint = isFields(value) ? ': put it into a list, "tasks: [{…}]"' : '';
  const message = `tasks must be a list of tasks, not ${shown}${hint}`;
  return [source.mistake(['tasks'], message, labelAt(config, ['tasks']))];
};

/** The tasks of a file of version 1, rendered by json-e with what the original lets expressions use. */
export const renderVersionOne = (file: ReadFile, eventContext: EventContext, slugid: () => string): Items => {
  const { source, config } = file;
  if (config.tasks === undefined) return { items: [], mistakes: [] };
  const context = contextOf(eventContext, slugid);
  const parts = renderParts(config.tasks, context);
  const mistakes = parts
    .flatMap((part) => part.mistakes)
    .map(({ path, message }) => source.mistake(path, message, labelAt(config, path)));
  if (Array.isArray(config.tasks)) {
    const items = parts.flatMap((part, index) =>
      'value' in part ? [{ value: part.value, path: ['tasks', index] }] : [],
    );
    return { items: located(file, items, context), mistakes };
  }
  const [whole] = parts;
  if (whole === undefined || !('value' in whole)) return { items: [], mistakes };
  if (!Array.isArray(whole.value)) return { items: [], mistakes: notAList(file, whole.value) };
  const paths = placesOf(config.tasks, ['tasks'], { context, count: whole.value.length });
  return { items: whole.value.map((value, index) => ({ value, path: paths[index] ?? ['tasks'] })), mistakes };
};

/** The items with the paths of the maps that they come from, which may be below operators of the list's items. */
const located = ({ config }: ReadFile, items: Items['items'], context: Fields): Items['items'] =>
  items.map(({ value, path }) => {
    const template = (config.tasks as readonly unknown[])[Number(path[1])];
    const [place = path] = placesOf([template], ['tasks'], { context, count: 1 });
    return { value, path: [...path, ...place.slice(2)] };
  });
