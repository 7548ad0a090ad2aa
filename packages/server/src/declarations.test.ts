import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { parse } from 'yaml';
import { referenceDocuments } from './declarations.ts';

/** All scopes in a template, up to their first parameter. */
const beginningsIn = (template: unknown): string[] => {
  // A template that begins with a parameter says nothing.
  if (typeof template === 'string') return template.startsWith('<') ? [] : [template.replace(/<.*/, '')];
  if (typeof template !== 'object' || template === null) return [];
  return Object.entries(template).flatMap(([word, part]) =>
    ['if', 'for', 'in'].includes(word) ? [] : beginningsIn(part),
  );
};

interface ApiReference {
  readonly serviceName?: string;
  readonly entries?: readonly { readonly scopes?: unknown }[];
}

it('the role anonymous in docs/operating/access.md has only scopes that methods need', async () => {
  const page = new URL('../../../docs/operating/access.md', import.meta.url);
  const [, text = ''] = (await readFile(page, 'utf8')).split(/<<'END'\n|\nEND\n/);
  const { scopes } = parse(text) as { scopes: string[] };
  assert.ok(scopes.length > 30);
  assert.deepEqual(scopes, scopes.toSorted());
  const apis = referenceDocuments()
    .filter(({ filename }) => filename.endsWith('/api.json'))
    .map(({ content }) => content as ApiReference);
  const services = apis.map(({ serviceName }) => serviceName);
  const asked = apis.flatMap(({ entries = [] }) => entries.flatMap((entry) => beginningsIn(entry.scopes)));
  const unasked = scopes
    .filter((scope) => services.includes(scope.split(':')[0]))
    .filter((scope) => !asked.some((beginning) => scope.replace(/\*$/, '').startsWith(beginning)));
  assert.deepEqual(unasked, []);
});
