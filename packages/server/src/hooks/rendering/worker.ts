import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import draft6 from 'ajv/dist/refs/json-schema-draft-06.json' with { type: 'json' };
import formats from 'ajv-formats';
import jsone from 'json-e';
import type { Reply, Request } from './requests.ts';

// A process of its own: schemas and templates of hooks are untrusted programs.

const compiledMax = 100;
const misfitsMax = 50;
const compiled = new Map<string, ValidateFunction>();

const compile = (triggerSchema: string): ValidateFunction => {
  // Each schema has a validator of its own: two hooks may well use the same $id.
  const ajv = new Ajv({ allErrors: true, useDefaults: true, strict: false, logger: false });
  (formats as unknown as (ajv: Ajv) => void)(ajv);
  ajv.addMetaSchema(draft6);
  return ajv.compile(JSON.parse(triggerSchema) as object);
};

const validatorOf = (triggerSchema: string): ValidateFunction => {
  const validate = compiled.get(triggerSchema) ?? compile(triggerSchema);
  // The most recently used one is last, so the first one is removed.
  compiled.delete(triggerSchema);
  compiled.set(triggerSchema, validate);
  if (compiled.size > compiledMax) compiled.delete(compiled.keys().next().value as string);
  return validate;
};

const check = (triggerSchema: string): Reply => {
  try {
    compile(triggerSchema);
    return {};
  } catch (error) {
    return { mistake: (error as Error).message.replace(/^schema is invalid: data/, 'triggerSchema') };
  }
};

const misfit = ({ instancePath, message, params }: ErrorObject): string => {
  const unknown = 'additionalProperty' in params ? `: '${params.additionalProperty}'` : '';
  return `payload${instancePath.replaceAll('/', '.')} ${message}${unknown}`;
};

/** What does not fit. Defaults of the schema are written into the payload. */
const misfitsOf = (triggerSchema: string, payload: unknown): string[] => {
  const validate = validatorOf(triggerSchema);
  return validate(payload) ? [] : (validate.errors ?? []).slice(0, misfitsMax).map(misfit);
};

// As deep as bodies of requests may be.
const depthMax = 500;

const isDeep = (value: unknown, depth = 0): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (depth === depthMax || Object.values(value).some((part) => isDeep(part, depth + 1)));

const render = ({ triggerSchema, context, template, charactersMax }: Request & { kind: 'render' }): Reply => {
  const seen = JSON.parse(context) as { payload?: unknown };
  try {
    const misfits = seen.payload === undefined ? [] : misfitsOf(triggerSchema, seen.payload);
    if (misfits.length > 0) return { misfits };
  } catch (error) {
    // A schema that refers to itself without end, or that an earlier version took.
    return { mistake: `its triggerSchema cannot be applied: ${(error as Error).message}` };
  }
  try {
    const rendered: unknown = jsone(JSON.parse(template), seen) ?? null;
    if (isDeep(rendered)) return { mistake: 'it renders to arrays and objects that nest too deeply' };
    const text = JSON.stringify(rendered);
    return text.length > charactersMax ? { mistake: 'it renders to too much' } : { text };
  } catch (error) {
    return { mistake: (error as Error).message };
  }
};

process.on('message', (request: Request) =>
  process.send?.(request.kind === 'check' ? check(request.triggerSchema) : render(request)),
);
process.send?.('ready');
