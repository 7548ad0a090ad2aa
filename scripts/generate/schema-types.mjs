// JSON schema → TypeScript types. A schema becomes a small tree (`nodeOf`), a tree becomes text (`print`).
import { resolveReference } from './contracts.mjs';

const text = (value) => ({ kind: 'text', text: value });
const unknown = text('unknown');
const primitives = {
  string: 'string',
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
  null: 'null',
};

const union = (members) => {
  const distinct = [...new Map(members.map((member) => [keyOf(member), member])).values()];
  if (distinct.includes(unknown)) return unknown;
  return distinct.length === 1 ? distinct[0] : { kind: 'union', members: distinct };
};

/** Fields with a default are optional in what callers send, and present in what they receive. */
const isOptional = (schema, name, context) =>
  !schema.required?.includes(name) || (context.sends && schema.properties[name]?.default !== undefined);

const objectNode = (schema, context) => {
  const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => ({
    name,
    isOptional: isOptional(schema, name, context),
    node: nodeOf(field, context),
    title: field.title,
  }));
  const patterns = Object.values(schema.patternProperties ?? {});
  const others = [
    ...patterns,
    ...(schema.additionalProperties === false ? [] : [schema.additionalProperties ?? {}]),
  ];
  // TypeScript cannot say "all other fields": beside named ones the rest is left out.
  if (fields.length > 0) return { kind: 'object', fields };
  if (others.length === 0) return text('Record<string, never>');
  return { kind: 'record', value: union(others.map((other) => nodeOf(other, context))) };
};

const arrayNode = (schema, context) => {
  const items = Array.isArray(schema.items)
    ? union(schema.items.map((item) => nodeOf(item, context)))
    : undefined;
  return { kind: 'array', item: items ?? nodeOf(schema.items ?? {}, context) };
};

/** Merges the parts of an allOf: fields and requirements together. */
const merged = (parts, context) => {
  const schemas = parts.map((part) =>
    part.$ref ? resolveReference(context.schemas, context.file, part.$ref).schema : part,
  );
  return Object.assign({}, ...schemas, {
    properties: Object.assign({}, ...schemas.map(({ properties }) => properties)),
    required: schemas.flatMap(({ required }) => required ?? []),
  });
};

const alternatives = (schema, context) => {
  const { oneOf, anyOf, ...base } = schema;
  const choices = oneOf ?? anyOf;
  // Alternatives that only say what is required, or how a text must look, make no other type.
  const onlyRequire = choices.every((choice) => Object.keys(choice).every((key) => key === 'required'));
  if (onlyRequire || base.type in primitives) return nodeOf(base, context);
  const shared = base.properties ? [base] : [];
  return union(
    choices.map((choice) => nodeOf(shared.length ? { allOf: [...shared, choice] } : choice, context)),
  );
};

/**
 * The tree of a schema's type. `context` is { schemas, file, sends }: where references are looked up, the file
 * that this schema is in, and whether it is sent by callers.
 */
export const nodeOf = (schema, context) => {
  if (schema === true) return unknown;
  if (schema === false) return text('never');
  if (schema.$ref) {
    const target = resolveReference(context.schemas, context.file, schema.$ref);
    return nodeOf(target.schema, { ...context, file: target.file });
  }
  if (schema.allOf)
    return nodeOf(merged([{ ...schema, allOf: undefined }, ...schema.allOf], context), context);
  if ('const' in schema) return text(literal(schema.const));
  if (schema.enum) return union(schema.enum.map((value) => text(literal(value))));
  if (schema.oneOf || schema.anyOf) return alternatives(schema, context);
  if (Array.isArray(schema.type)) {
    return union(schema.type.map((type) => nodeOf({ ...schema, type }, context)));
  }
  if (schema.type === 'array') return arrayNode(schema, context);
  if (schema.type === 'object' || schema.properties) return objectNode(schema, context);
  return schema.type in primitives ? text(primitives[schema.type]) : unknown;
};

const literal = (value) =>
  typeof value === 'string'
    ? `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
    : JSON.stringify(value);

/** Two trees with the same key are the same type, whatever the order of their fields. */
export const keyOf = (node) => {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'array':
      return `[${keyOf(node.item)}]`;
    case 'record':
      return `{*:${keyOf(node.value)}}`;
    case 'union':
      return `(${node.members.map(keyOf).sort().join('|')})`;
    default:
      return `{${node.fields
        .map((field) => `${field.name}${field.isOptional ? '?' : ''}:${keyOf(field.node)}`)
        .sort()
        .join(';')}}`;
  }
};

/** The trees directly below a tree, each with the words that could name it. */
export const childrenOf = (node) => {
  switch (node.kind) {
    case 'text':
      return [];
    case 'array':
      return [{ node: node.item }];
    case 'record':
      return [{ node: node.value }];
    case 'union':
      return node.members.map((member) => ({ node: member }));
    default:
      return node.fields.map(({ node: child, name, title }) => ({ node: child, name, title }));
  }
};

const fieldName = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name));

/** The text of a tree. `nameOf(node)` returns the name of a type that is declared elsewhere, or undefined. */
export const print = (node, nameOf, indent = '') => {
  const inner = (child, deeper = indent) => nameOf(child) ?? print(child, nameOf, deeper);
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'array': {
      const item = inner(node.item);
      return /[|&]/.test(item) && !item.startsWith('{') ? `(${item})[]` : `${item}[]`;
    }
    case 'record':
      return `Record<string, ${inner(node.value)}>`;
    case 'union':
      return node.members.map((member) => inner(member)).join(' | ');
    default: {
      const deeper = `${indent}  `;
      const lines = node.fields.map(
        (field) =>
          `${deeper}${fieldName(field.name)}${field.isOptional ? '?' : ''}: ${inner(field.node, deeper)};\n`,
      );
      return `{\n${lines.join('')}${indent}}`;
    }
  }
};
