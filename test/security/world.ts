import { slugid } from '@taskyard/client';
import { type Contract, declarations, type ScopeTemplate } from '@taskyard/server';
import fc from 'fast-check';
import type { Keys } from './hawk.ts';
import type { Site } from './site.ts';

/** A method of the API, as it is declared. */
export interface Method {
  readonly service: string;
  readonly contract: Contract;
  /** `queue.createTask`. */
  readonly title: string;
}

/** Every method that is served and needs scopes or not; new services are included. */
export const methods: readonly Method[] = declarations.flatMap(({ service, routes }) =>
  routes.map(({ contract }) => ({
    service: service.serviceName,
    contract,
    title: `${service.serviceName}.${contract.name}`,
  })),
);

export const hourFromNow = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toJSON();

/** A task as a client would create it. */
export const aTask = (more: object = {}): object => ({
  taskQueueId: 'secure/tasks',
  schedulerId: 'secure',
  projectId: 'secure',
  created: hourFromNow(0),
  deadline: hourFromNow(1),
  payload: {},
  metadata: { name: 'a task', description: '', owner: 'a@example.com', source: 'https://example.com/' },
  ...more,
});

let clients = 0;

/** A new client with these scopes. */
export const aClientOf = async (site: Site, scopes: readonly string[]): Promise<Keys> => {
  const clientId = `caller/${++clients}`;
  const wanted = { description: '', expires: hourFromNow(24), scopes: [...new Set(scopes)] };
  const { body } = await site.prepare('PUT', `/api/auth/v1/clients/${encodeURIComponent(clientId)}`, wanted);
  return { clientId, accessToken: body.accessToken as string };
};

/** What a prepared platform holds: values for the parameters of paths. */
export interface World {
  readonly [parameter: string]: string;
}

/** Makes one of each thing that methods act on: a running task in a group, a client, a role. */
export const aWorld = async (site: Site): Promise<World> => {
  const [taskId, taskGroupId, waiting] = [slugid(), slugid(), slugid()];
  await site.prepare('PUT', `/api/queue/v1/task/${taskId}`, aTask({ taskGroupId }));
  await site.prepare('POST', '/api/queue/v1/claim-work/secure%2Ftasks', {
    workerGroup: 'secure',
    workerId: 'one',
    tasks: 1,
  });
  await site.prepare('PUT', `/api/queue/v1/task/${waiting}`, aTask({ taskGroupId }));
  const thing = { description: '', scopes: ['secure:thing'], expires: hourFromNow(24) };
  const { expires: _, ...role } = thing;
  await site.prepare('PUT', '/api/auth/v1/clients/secure', thing);
  await site.prepare('PUT', '/api/auth/v1/roles/secure', role);
  return {
    taskId,
    taskGroupId,
    runId: '0',
    clientId: 'secure',
    roleId: 'secure',
    taskQueueId: 'secure/tasks',
    provisionerId: 'secure',
    workerType: 'tasks',
    workerGroup: 'secure',
    workerId: 'one',
  };
};

/** The names in a path, in order. */
export const parametersOf = ({ path }: Contract): string[] =>
  [...path.matchAll(/<([^>]+)>/g)].map(([, name = '']) => name);

/** A path with its parameters filled in; those given as they are go over the wire as they are. */
export const pathOf = ({ service, contract }: Method, values: Readonly<Record<string, string>>): string =>
  (contract.atRoot ? '' : `/api/${service}/v1`) +
  contract.path.replace(/<([^>]+)>/g, (_, name: string) => values[name] ?? '');

const plain = ['a', 'a.b', 'a/b', 'abc', '1', 'a@example.com', 'https://example.com/', hourFromNow(1)];

// Plain values first: those that are made up know no lookahead.
const matching = (pattern: RegExp, seed: number): string =>
  plain.find((text) => pattern.test(text)) ??
  fc.sample(fc.stringMatching(pattern), { numRuns: 1, seed })[0] ??
  '';

/** Encoded values for the parameters of a method: of the world where it has one, otherwise what fits the pattern. */
export const valuesFor = ({ contract }: Method, world: World): Record<string, string> =>
  Object.fromEntries(
    parametersOf(contract).map((name) => {
      const pattern = contract.params?.[name]?.pattern ?? /^[a-z]{5}$/;
      const known = world[name];
      return [
        name,
        encodeURIComponent(known !== undefined && pattern.test(known) ? known : matching(pattern, 7)),
      ];
    }),
  );

type Schema = Readonly<Record<string, unknown>>;

/** A value that fits a JSON schema, with required fields only or with all; fields that the world knows are as there. */
export const exampleOf = (schema: Schema, isFull: boolean, world: World = {}): unknown => {
  const { anyOf, oneOf, allOf } = schema as Record<string, Schema[] | undefined>;
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const [choice] = anyOf ?? oneOf ?? [];
  if (choice) return exampleOf({ ...schema, anyOf: undefined, oneOf: undefined, ...choice }, isFull, world);
  if (allOf) {
    const parts = allOf.map((part) => exampleOf(part, isFull, world));
    return parts.every((part) => typeof part === 'object') ? Object.assign({}, ...parts) : parts[0];
  }
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'array') return exampleList(schema, isFull, world);
  if (type === 'string') return exampleText(schema);
  if (type === 'integer' || type === 'number') return schema.minimum ?? 1;
  if (type === 'boolean') return false;
  if (type === 'null') return null;
  return exampleObject(schema, isFull, world);
};

const exampleObject = (schema: Schema, isFull: boolean, world: World): object => {
  const properties = (schema.properties ?? {}) as Record<string, Schema>;
  const required = (schema.required ?? []) as string[];
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([name]) => isFull || required.includes(name))
      .map(([name, property]) => [name, world[name] ?? exampleOf(property, isFull, world)]),
  );
};

const exampleList = ({ items, minItems = 0 }: Schema, isFull: boolean, world: World): unknown[] => {
  const length = Math.max(Number(minItems), isFull ? 1 : 0);
  return Array.from({ length }, () => exampleOf((items ?? {}) as Schema, isFull, world));
};

const exampleText = ({ pattern, format, minLength = 0 }: Schema): string => {
  if (format === 'date-time') return hourFromNow(1);
  if (format === 'uri') return 'https://example.com/';
  if (format === 'email') return 'a@example.com';
  if (typeof pattern === 'string') return matching(new RegExp(pattern), 11).slice(0, 200);
  return 'x'.repeat(Math.max(1, Number(minLength)));
};

/** A body for a method; nothing where it takes none. */
export const bodyFor = (
  { contract }: Method,
  isFull: boolean,
  { runId: _, ...world }: World = {},
): unknown => (contract.input ? exampleOf(contract.input.schema as Schema, isFull, world) : undefined);

/** The scopes in a template, unfilled. */
export const leavesOf = (template: ScopeTemplate | undefined): string[] => {
  if (template === undefined) return [];
  if (typeof template === 'string') return [template];
  if ('AllOf' in template) return template.AllOf.flatMap(leavesOf);
  if ('AnyOf' in template) return template.AnyOf.flatMap(leavesOf);
  if ('for' in template) return leavesOf(template.each);
  return [template.then, template.else].flatMap(leavesOf);
};

/** The widest scope that a template stands for: `queue:get-task:*`. */
export const widest = (leaf: string): string => leaf.replace(/<.*$/s, '*');

const everyScope = [...new Set(methods.flatMap(({ contract }) => leavesOf(contract.scopes).map(widest)))];

const overlaps = (a: string, b: string): boolean => {
  const [x, y] = [a.replace(/\*$/, ''), b.replace(/\*$/, '')];
  return (a.endsWith('*') && y.startsWith(x)) || (b.endsWith('*') && x.startsWith(y)) || x === y;
};

/** All scopes of the API except those that have to do with these. */
export const allBut = (leaves: readonly string[]): string[] => {
  const needed = leaves.map(widest).filter((scope) => scope !== '*');
  return everyScope.filter((scope) => scope !== '*' && !needed.some((other) => overlaps(scope, other)));
};
