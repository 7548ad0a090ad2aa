import { type Argument, type MethodDeclaration, routeParameters, services } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from './connected.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { collectPairs, readDocument } from './input.ts';
import { columns, type Io, say, sayJson } from './io.ts';
import { unknownName } from './known-names.ts';

interface ApiOptions extends ConnectedOptions {
  readonly body?: string;
  readonly query: Record<string, string>;
}

type ServiceName = keyof typeof services;

const serviceNamed = (name: string) => {
  if (Object.hasOwn(services, name)) return services[name as ServiceName];
  throw unknownName('service', name, Object.keys(services));
};

const usage = (name: string, declaration: MethodDeclaration): string =>
  [
    name,
    ...routeParameters(declaration).map((parameter) => `<${parameter}>`),
    ...(declaration.input ? ['--body <file>'] : []),
  ].join(' ');

const listMethods = (io: Io, service: string, json: true | undefined): void => {
  const { methods } = serviceNamed(service);
  const rows = Object.entries(methods).map(([name, found]) => [usage(name, found), found.title]);
  if (json) sayJson(io, methods);
  else say(io, columns(rows).join('\n'));
};

/** The arguments of a client's method, from those of the command line. */
const methodArguments = async (
  io: Io,
  { name, declaration, args }: { name: string; declaration: MethodDeclaration; args: readonly string[] },
  { body, query }: ApiOptions,
): Promise<Argument[]> => {
  const wanted = routeParameters(declaration);
  if (args.length !== wanted.length || (declaration.input !== undefined) !== (body !== undefined)) {
    throw new CommandError(exitCodes.usage, `Usage: ${usage(name, declaration)}`);
  }
  const unknown = Object.keys(query).find((key) => !declaration.query?.includes(key));
  if (unknown) {
    const known = declaration.query?.join(', ') ?? 'none';
    throw new CommandError(exitCodes.usage, `${name} has no query parameter ${unknown}; it has: ${known}.`);
  }
  return [...args, ...(body === undefined ? [] : [await readDocument(io, body)]), query];
};

/** `taskyard api <service> <method> [args…]` */
export const apiCommand = (io: Io): Command =>
  connectedCommand('api')
    .description('Call any method of any service. Without a method it lists those of the service.')
    .argument('<service>', `one of ${Object.keys(services).join(', ')}`)
    .argument('[method]')
    .argument('[args...]', "the parameters of the method's path, in order")
    .option('--body <file>', 'the body: JSON or YAML; "-" reads standard input')
    .option('--query <name=value>', 'a query parameter; may be repeated', collectPairs, {})
    .action(async (service: string, name: string | undefined, args: string[], options: ApiOptions) => {
      if (name === undefined) return listMethods(io, service, options.json);
      const Client = serviceNamed(service);
      const declaration = Client.methods[name];
      if (!declaration)
        throw unknownName(`method of the service ${service}`, name, Object.keys(Client.methods));
      const given = await methodArguments(io, { name, declaration, args }, options);
      const reply = await new Client(serverOf(io, options)).call(name, given);
      if (reply !== undefined) sayJson(io, reply);
    });
