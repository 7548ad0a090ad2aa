import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { aHome } from './support/platform.ts';

interface Operation {
  readonly operationId: string;
  readonly description: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
}
interface OpenApi {
  readonly [name: string]: unknown;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}
interface Reference {
  readonly filename: string;
  readonly content: {
    readonly serviceName: string;
    readonly entries: readonly {
      readonly name: string;
      readonly args: readonly string[];
      readonly query: readonly string[];
    }[];
  };
}

const read = async <T>(url: string): Promise<T> => {
  const reply = await fetch(url);
  assert.equal(reply.status, 200, url);
  return (await reply.json()) as T;
};

const attributes = (html: string, name: string): string[] =>
  [...html.matchAll(new RegExp(` ${name}="([^"]+)"`, 'g'))].map(([, value = '']) => value);

test('the documents of the server', async (t) => {
  const { rootUrl } = await (await aHome(t)).start();

  await t.test('include an OpenAPI document with every published method and its parameters', async () => {
    const document = await read<OpenApi>(`${rootUrl}/openapi.json`);
    const verdict = await new Validator().validate(structuredClone(document));
    assert.deepEqual(verdict.errors, undefined);
    assert.equal(verdict.valid, true);

    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    const found = operations.map(({ operationId, parameters }) => [
      operationId,
      parameters.map((parameter) => parameter.name),
    ]);
    const references = await read<Reference[]>(`${rootUrl}/references/references.json`);
    const published = references
      .filter(({ filename }) => filename.endsWith('/api.json'))
      .flatMap(({ content }) =>
        content.entries.map(({ name, args, query }) => [
          `${content.serviceName}.${name}`,
          [...args, ...query],
        ]),
      );
    assert.ok(published.length > 200);
    assert.deepEqual(found.sort(), published.sort());
    const createTask = operations.find(({ operationId }) => operationId === 'queue.createTask');
    assert.match(createTask?.description ?? '', /`queue:create-task:project:<projectId>`/);
  });

  await t.test('is pages at /docs whose links all lead somewhere', async () => {
    const pages = new Map<string, string>();
    const follow = async (path: string): Promise<void> => {
      if (pages.has(path)) return;
      pages.set(path, '');
      const reply = await fetch(rootUrl + path);
      assert.equal(reply.status, 200, path);
      assert.match(reply.headers.get('content-security-policy') ?? '', /default-src 'none'/);
      const isPage = reply.headers.get('content-type')?.startsWith('text/html') ?? false;
      const html = await reply.text();
      pages.set(path, html);
      if (!isPage || !path.startsWith('/docs')) return;
      const addresses = [...attributes(html, 'href'), ...attributes(html, 'src')];
      for (const address of addresses.filter((one) => one.startsWith('/'))) {
        await follow(address.split('#')[0] ?? '');
      }
    };
    await follow('/docs');

    assert.ok(pages.has('/docs/operating/workers') && pages.has('/docs/reference/queue'));
    assert.ok(pages.has('/docs/architecture'));
    const lost = [...pages]
      .filter(([path]) => path.startsWith('/docs'))
      .flatMap(([path, html]) =>
        attributes(html, 'href')
          .filter((address) => /^(\/docs[^#]*)?#/.test(address))
          .filter((address) => {
            const [to = '', id = ''] = address.split('#');
            return !attributes(pages.get(to || path) ?? '', 'id').includes(id);
          })
          .map((address) => `${path}: ${address}`),
      );
    assert.deepEqual(lost, []);
    const errors = ['/docs/operating/nothing', '/nothing'].map(async (path) => {
      const reply = await fetch(rootUrl + path);
      // The moment of a refusal is its own.
      return [reply.status, (await reply.text()).replaceAll(path, '').replace(/"time":"[^"]*"/, '')];
    });
    const [none, other] = await Promise.all(errors);
    assert.equal(none?.[0], 404);
    assert.deepEqual(none, other);
  });
});
