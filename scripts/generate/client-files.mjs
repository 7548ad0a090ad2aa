// The typed client: for each service its types, the interface of its methods, their table, and its class.
import { routeParameters, schemaFile, typeNameOf } from './contracts.mjs';
import { childrenOf, keyOf, nodeOf, print } from './schema-types.mjs';

export const header = "// Generated from the server's contracts by `npm run generate`. Do not edit.\n";

// The client's door exports these names itself.
const taken = [
  'Argument',
  'CallOptions',
  'Certificate',
  'Client',
  'ClientOptions',
  'Credentials',
  'ErrorCode',
  'QueryOptions',
];

/** Objects of at least this many fields, seen at least twice, get a declaration of their own. */
const hoistedFieldsMin = 3;

/** Visits a tree, and tells with each part the title and the field name that could name it. */
const walk = (node, visit, words = {}) => {
  visit(node, words);
  for (const { node: child, ...found } of childrenOf(node)) {
    const isNamed = found.name !== undefined;
    walk(child, visit, isNamed ? found : { ...words, isItem: words.isItem || node.kind === 'array' });
  }
};

/** The entries of `runs` are each a run; a `status` is one already. */
const singular = (word) => (/[^su]s$/.test(word) ? word.slice(0, -1) : word);

/** A short title names a type well; a long one is a description, and the field's name says it better. */
const nameFrom = ({ name, title, isItem }) => {
  const isShort = title !== undefined && title.split(' ').length <= 3 && !/\b(of|and)\b/i.test(title);
  if (isShort) return typeNameOf(title);
  const field = name ?? title ?? 'entry';
  return typeNameOf(isItem ? singular(field) : field);
};

/** Gives names to types, each once in all services, and knows which service declared which type. */
const createNames = () => {
  const used = new Set(taken);
  const declared = new Map();
  const fresh = (candidates) => {
    const free = candidates.filter(Boolean).find((name) => !used.has(name));
    let name = free ?? candidates.at(-1);
    for (let count = 2; used.has(name); count++) name = `${candidates.at(-1)}${count}`;
    used.add(name);
    return name;
  };
  return { fresh, declared };
};

// Smaller objects may be alike by chance.
const sharedFieldsMin = 4;

/** Which schema files a service's methods send and receive, and its messages carry: [{ file, sends }]. */
const usedSchemas = ({ api, exchanges }) => {
  const found = [
    ...(exchanges?.entries ?? []).map(({ schema }) => ({ file: schemaFile(schema), sends: false })),
    ...api.entries.flatMap(({ input, output }) => [
      ...(input ? [{ file: schemaFile(input), sends: true }] : []),
      ...(output && output !== 'blob' ? [{ file: schemaFile(output), sends: false }] : []),
    ]),
  ];
  return [...new Map(found.map((use) => [`${use.file} ${use.sends}`, use])).values()].sort((a, b) =>
    a.file < b.file ? -1 : 1,
  );
};

/** The named types of one service: { nameOf(node), declarations, typeOf(file, sends) }. */
const serviceTypes = (contract, names) => {
  const { schemas, className } = contract;
  const tree = (file, sends) => nodeOf(schemas.get(file) ?? {}, { schemas, file, sends });
  const uses = usedSchemas(contract).map((use) => ({ ...use, node: tree(use.file, use.sends) }));
  const named = new Map();
  const imports = new Map();
  const foreign = (node) => {
    if (node.kind !== 'object' || node.fields.length < sharedFieldsMin) return undefined;
    const found = names.declared.get(keyOf(node));
    if (found) imports.set(found.name, found.service);
    return found?.name;
  };
  const nameOf = (node) => {
    if (node.kind !== 'object' && node.kind !== 'union') return undefined;
    return named.get(keyOf(node))?.name ?? foreign(node);
  };
  const add = (node, candidates) => {
    if (nameOf(node)) return;
    if (node.kind === 'object' || node.kind === 'union')
      named.set(keyOf(node), { node, name: names.fresh(candidates) });
  };
  for (const { file, node } of uses) {
    const name = typeNameOf(file.replace(/\.json$/, ''));
    add(node, [name, className + name]);
  }
  const counts = new Map();
  const count = (node) => {
    if (node.kind === 'object') counts.set(keyOf(node), (counts.get(keyOf(node)) ?? 0) + 1);
  };
  for (const { node } of uses) walk(node, count);
  const published = new Map([...schemas.keys()].sort().map((file) => [keyOf(tree(file, false)), file]));
  for (const { node } of uses) {
    walk(node, (child, words) => {
      if (child.kind !== 'object' || child.fields.length < hoistedFieldsMin || counts.get(keyOf(child)) < 2)
        return;
      const file = published.get(keyOf(child));
      const own = file ? typeNameOf(file.replace(/\.json$/, '')) : nameFrom(words);
      add(child, [own, className + own]);
    });
  }
  const declarations = [...named.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ node, name }) => {
      const others = (child) => (child === node ? undefined : nameOf(child));
      return `export type ${name} = ${print(node, others)};\n`;
    });
  const typeOf = (file, sends) => {
    const node = tree(file, sends);
    return nameOf(node) ?? print(node, nameOf);
  };
  for (const [key, { name }] of named) names.declared.set(key, { name, service: contract.service });
  return { declarations, typeOf, imports };
};

const importLines = (imports) =>
  [...new Set(imports.values())].sort().map((service) => {
    const used = [...imports].filter(([, from]) => from === service).map(([name]) => name);
    return `import type { ${used.sort().join(', ')} } from './${moduleOf(service)}';\n`;
  });

const parameterType = (name) => (name === 'runId' ? 'number | string' : 'string');

const resultType = ({ output, method }, typeOf) => {
  if (output === 'blob') return 'unknown';
  if (output) return typeOf(schemaFile(output), false);
  return method.toUpperCase() === 'GET' ? 'unknown' : 'void';
};

const signature = (entry, typeOf) => {
  const query = entry.query ?? [];
  const optionsType = query.length
    ? `QueryOptions<${query.map((name) => `'${name}'`).join(' | ')}>`
    : 'CallOptions';
  const parameters = [
    ...routeParameters(entry.route).map((name) => `${name}: ${parameterType(name)}`),
    ...(entry.input ? [`body: ${typeOf(schemaFile(entry.input), true)}`] : []),
    `options?: ${optionsType}`,
  ];
  const result = `Promise<${resultType(entry, typeOf)}>`;
  return `  /** ${entry.title}. */\n  ${entry.name}(${parameters.join(', ')}): ${result};\n`;
};

const quoted = (value) => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

const tableLine = ({ name, method, route, title, input, query }) => {
  const fields = [
    `method: ${quoted(method.toUpperCase())}`,
    `route: ${quoted(route)}`,
    `title: ${quoted(title)}`,
    ...(input ? ['input: true'] : []),
    ...(query?.length ? [`query: [${query.map(quoted).join(', ')}]`] : []),
  ];
  return `  ${name}: { ${fields.join(', ')} },\n`;
};

const exchangeLines = ({ exchanges, service }, typeOf) => {
  if (!exchanges?.entries.length) return '';
  const lines = exchanges.entries.map(({ name, exchange, routingKey, schema }) => {
    const words = routingKey.map((word) =>
      quoted(word.constant ? `=${word.constant}` : word.multipleWords ? '#' : word.name),
    );
    return `  ${name}: exchange<${typeOf(schemaFile(schema), false)}>(${quoted(
      exchanges.exchangePrefix + exchange,
    )}, [${words.join(', ')}]),\n`;
  });
  const constName = `${service.replace(/-(.)/g, (_, letter) => letter.toUpperCase())}Exchanges`;
  const comment = `/** The exchanges of the ${service} service. */`;
  return `\n${comment}\nexport const ${constName} = {\n${lines.join('')}};\n`;
};

const serviceFile = (contract, names) => {
  const { service, className, api } = contract;
  const { declarations, typeOf, imports: foreign } = serviceTypes(contract, names);
  const methods = api.entries.map((entry) => signature(entry, typeOf)).join('');
  const events = exchangeLines(contract, typeOf);
  const imports = ['CallOptions', 'QueryOptions']
    .filter((name) => methods.includes(name))
    .map((name) => `type ${name}`);
  return [
    header,
    ...(events ? ["import { exchange } from '../exchange.ts';\n"] : []),
    `import { ${[...imports, 'type ServiceClient', 'serviceClass'].join(', ')} } from '../service.ts';\n`,
    ...importLines(foreign),
    ...(declarations.length ? ['\n'] : []),
    ...declarations,
    `\nexport interface ${className}Api {\n${methods}}\n`,
    `\nexport type ${className} = ${className}Api & ServiceClient;\n`,
    `export const ${className} = serviceClass<${className}Api>(${quoted(service)}, {\n`,
    ...api.entries.map(tableLine),
    '});\n',
    events,
  ].join('');
};

/** The file of a service. The door of them all is `index.ts`, so the service of that name has another. */
const moduleOf = (service) => (service === 'index' ? 'index-service.ts' : `${service}.ts`);

const doorFile = (contracts) => {
  const imports = contracts.map(
    ({ className, service }) => `import { ${className} } from './${moduleOf(service)}';\n`,
  );
  const exported = contracts.map(({ service }) => `export * from './${moduleOf(service)}';\n`);
  const lines = contracts.map(({ service, className }) => `  ${quoted(service)}: ${className},\n`);
  const comment = '/** The client classes, by service. */';
  const classes = `${comment}\nexport const services = {\n${lines.join('')}};\n`;
  return `${header}${imports.join('')}\n${exported.join('')}\n${classes}`;
};

/** The files of the client's `generated` folder: [{ name, text }]. */
export const clientFiles = (contracts) => {
  const names = createNames();
  for (const { className } of contracts) names.fresh([className]);
  return [
    ...contracts.map((contract) => ({
      name: moduleOf(contract.service),
      text: serviceFile(contract, names),
    })),
    { name: 'index.ts', text: doorFile(contracts) },
  ];
};
