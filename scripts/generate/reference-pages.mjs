// The pages of docs/reference: one for each service, with its methods, messages and their fields.
import { scopeText } from '../../packages/server/dist/http/scope-text.js';
import { resolveReference, schemaFile } from './contracts.mjs';

const header = "<!-- Generated from the server's contracts by `npm run generate`. Do not edit. -->\n";

const cell = (value) => value.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim();

/** Follows a reference and keeps what stands beside it. */
const followed = (schema, place) => {
  if (!schema.$ref) return { schema, place };
  const { $ref, ...beside } = schema;
  const target = resolveReference(place.schemas, place.file, $ref);
  const inner = followed(target.schema, { ...place, file: target.file });
  return { schema: { ...inner.schema, ...beside }, place: inner.place };
};

const typeText = (schema, place) => {
  const { schema: target, place: at } = followed(schema, place);
  if ('const' in target) return `\`${JSON.stringify(target.const)}\``;
  if (target.enum) return target.enum.map((value) => `\`${value}\``).join(', ');
  if (target.oneOf || target.anyOf)
    return [...new Set((target.oneOf ?? target.anyOf).map((one) => typeText(one, at)))].join(' or ');
  if (target.type === 'array') return target.items ? `list of ${typeText(target.items, at)}` : 'list';
  if (target.format) return target.format;
  if (target.type === 'object' && target.title) return `object: ${target.title}`;
  return Array.isArray(target.type) ? target.type.join(' or ') : (target.type ?? 'anything');
};

const limits = ({ minimum, maximum, minLength, maxLength, maxItems, default: initial }) => {
  const parts = [
    minimum !== undefined || maximum !== undefined ? `${minimum ?? ''}–${maximum ?? ''}` : '',
    maxLength !== undefined ? `${minLength ?? 0}–${maxLength} characters` : '',
    maxItems !== undefined ? `at most ${maxItems}` : '',
    initial !== undefined ? `default \`${JSON.stringify(initial)}\`` : '',
  ];
  return parts.filter(Boolean).join('; ');
};

const fieldRows = (schema, place) => {
  const { schema: target, place: at } = followed(schema, place);
  return Object.entries(target.properties ?? {}).map(([name, field]) => {
    const { schema: found, place: within } = followed(field, at);
    const sure = target.required?.includes(name) ? 'yes' : '';
    const description = [found.description ?? found.title ?? '', limits(found)].filter(Boolean).join(' ');
    return `| \`${name}\` | ${cell(typeText(found, within))} | ${sure} | ${cell(description)} |\n`;
  });
};

const table = (rows) =>
  rows.length ? `\n| field | type | always | |\n|---|---|---|---|\n${rows.join('')}` : '';

/** The fields of a document; a choice of shapes becomes one table for each. */
const fields = (reference, contract, sure = 'always') => {
  const file = schemaFile(reference);
  const place = { schemas: contract.schemas, file };
  const { schema, place: at } = followed(contract.schemas.get(file) ?? {}, place);
  const choices = schema.oneOf ?? schema.anyOf;
  if (!choices) return table(fieldRows(schema, at), sure) || `\n${typeText(schema, at)}\n`;
  return choices
    .map((choice) => {
      const title = followed(choice, at).schema.title;
      return `${title ? `\n*${title}*\n` : ''}${table(fieldRows(choice, at), sure)}`;
    })
    .join('\n');
};

const entryText = (entry, contract) => {
  const query = entry.query?.length
    ? `\n- Query: ${entry.query.map((name) => `\`${name}\``).join(', ')}`
    : '';
  const scopes = entry.scopes ? scopeText(entry.scopes) : 'none';
  const stability = entry.stability === 'stable' ? '' : ` (${entry.stability})`;
  return [
    `\n### ${entry.name}${stability}\n\n`,
    `\`${entry.method.toUpperCase()} /api/${contract.service}/v1${entry.route}\`\n\n`,
    `${(entry.description ?? entry.title).trim()}\n\n- Scopes: ${scopes}${query}\n`,
    entry.input ? `\nBody (\`${entry.input}\`):\n${fields(entry.input, contract, 'required')}` : '',
    entry.output === 'blob' ? '\nReply: bytes.\n' : '',
    entry.output && entry.output !== 'blob'
      ? `\nReply (\`${entry.output}\`):\n${fields(entry.output, contract)}`
      : '',
  ].join('');
};

const methodsText = (contract) => {
  const categories = Map.groupBy
    ? Map.groupBy(contract.api.entries, ({ category }) => category)
    : contract.api.entries.reduce(
        (groups, entry) => groups.set(entry.category, [...(groups.get(entry.category) ?? []), entry]),
        new Map(),
      );
  return [...categories]
    .map(([category, entries]) => {
      return `\n## ${category}\n${entries.map((entry) => entryText(entry, contract)).join('')}`;
    })
    .join('');
};

const exchangesText = (contract) => {
  const { exchanges } = contract;
  if (!exchanges?.entries.length) return '';
  const entries = exchanges.entries.map(({ exchange, title, description, routingKey, schema }) => {
    const key = routingKey.map((word) => word.constant ?? `<${word.name}>`).join('.');
    return [
      `\n### ${exchange}\n\n${(description ?? title).trim()}\n\n`,
      `- Exchange: \`${exchanges.exchangePrefix}${exchange}\`\n- Routing key: \`${key}\`\n`,
      fields(schema, contract),
    ].join('');
  });
  return `\n## Messages\n${entries.join('')}`;
};

const page = (contract) => ({
  name: `${contract.service}.md`,
  text: [
    `${header}# ${contract.api.title}\n\n${contract.api.description.trim()}\n`,
    methodsText(contract),
    exchangesText(contract),
  ].join(''),
});

const overview = (contracts) => ({
  name: 'README.md',
  text: `${header}# Reference\n\n${contracts
    .map(
      ({ service, api }) =>
        `- [${api.title}](${service}.md): \`/api/${service}/v1\`, ${api.entries.length} methods\n`,
    )
    .join('')}- [Configuration](configuration.md): every setting of the server\n`,
});

/** The pages of docs/reference: [{ name, text }]. */
export const referencePages = (contracts) => [overview(contracts), ...contracts.map(page)];
