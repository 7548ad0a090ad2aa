// Reads reference documents into one plain description for each service.

const pascal = (text) =>
  text
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean)
    .map((word) => word[0].toUpperCase() + word.slice(1))
    .join('');

/** `task-status` → `TaskStatus`. */
export const typeNameOf = pascal;

// `Object` would hide JavaScript's own.
const classNames = { object: 'ObjectService' };

/** The name of the client class of a service. */
export const classNameOf = (service) => classNames[service] ?? pascal(service);

/**
 * One description for each service that has an API reference:
 * { service, className, api, exchanges?, schemas: Map<file name, schema> }, in order of names.
 */
export const readContracts = (documents, only) => {
  const byName = new Map(documents.map(({ filename, content }) => [filename, content]));
  const services = documents
    .map(({ filename }) => /^references\/([^/]+)\/v1\/api\.json$/.exec(filename)?.[1])
    .filter((service) => service && (!only || only.includes(service)))
    .sort();
  return services.map((service) => ({
    service,
    className: classNameOf(service),
    api: byName.get(`references/${service}/v1/api.json`),
    exchanges: byName.get(`references/${service}/v1/exchanges.json`),
    schemas: new Map(
      [...byName]
        .filter(([filename]) => filename.startsWith(`schemas/${service}/v1/`))
        .map(([filename, schema]) => [filename.slice(`schemas/${service}/v1/`.length), schema]),
    ),
  }));
};

/** The file of a schema as references name it: `v1/task.json#` → `task.json`. */
export const schemaFile = (reference) => reference.replace(/^.*\//, '').replace(/#$/, '');

/** The method's parameters in the URL, in order. */
export const routeParameters = (route) => [...route.matchAll(/<([^>]+)>/g)].map(([, name]) => name);

/** Finds what a `$ref` points at: { file, schema }. References between services do not occur. */
export const resolveReference = (schemas, file, reference) => {
  const [path, pointer = ''] = reference.split('#');
  const target = path ? path.replace(/^.*\//, '') : file;
  let schema = schemas.get(target);
  for (const part of pointer.split('/').filter(Boolean)) schema = schema?.[decodeURIComponent(part)];
  if (schema === undefined) throw new Error(`${file}: "${reference}" points at nothing`);
  return { file: target, schema };
};
