import { Type } from 'typebox';
import { printableAsciiPattern, slugidPattern, taskQueueIdPattern } from './patterns.ts';

/** One of some strings; the static type is their union. */
export const oneOf = <const Values extends readonly string[]>(
  values: Values,
  options: Readonly<Record<string, unknown>> = {},
) => Type.Unsafe<Values[number]>({ type: 'string', enum: [...values], ...options });

/** Any object. */
export const anyObject = (options: Readonly<Record<string, unknown>> = {}) =>
  Type.Unsafe<Readonly<Record<string, unknown>>>({ type: 'object', ...options });

/** An object with these properties and no others. */
export const exactly = <const Properties extends Parameters<typeof Type.Object>[0]>(
  properties: Properties,
  options: Readonly<Record<string, unknown>> = {},
) => Type.Object(properties, { ...options, additionalProperties: false });

/** A list without equal elements. */
export const distinct = <const Item extends Parameters<typeof Type.Array>[0]>(
  items: Item,
  options: Readonly<Record<string, unknown>> = {},
) => Type.Array(items, { ...options, uniqueItems: true });

/** Strings of the API that several services share (the patterns are those of `patterns.ts`). */
export const DateTime = Type.String({ format: 'date-time' });
export const Slugid = Type.String({ pattern: slugidPattern.source });
export const RunId = Type.Integer({ minimum: 0, maximum: 1000 });
export const ProvisionerId = Type.String({ pattern: '^[a-zA-Z0-9-_]{1,38}$' });
export const WorkerType = Type.String({ pattern: '^[a-z]([-a-z0-9]{0,36}[a-z0-9])?$' });
export const TaskQueueId = Type.String({ pattern: taskQueueIdPattern.source.replaceAll('\\/', '/') });
export const Identifier = Type.String({ minLength: 1, maxLength: 38, pattern: '^([a-zA-Z0-9-_]*)$' });
export const ProjectId = Type.String({ minLength: 1, maxLength: 500, pattern: '^([a-zA-Z0-9._/-]*)$' });
export const PrintableName = Type.String({ pattern: printableAsciiPattern.source });
export const ContentType = Type.String({ maxLength: 255 });
export const ContinuationToken = Type.String({
  description: 'Present while more pages follow; hand it back to get the next one.',
});
