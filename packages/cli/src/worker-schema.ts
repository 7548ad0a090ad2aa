import { Argument, type Command } from 'commander';
import { commandNamed } from './connected.ts';
import { type Io, sayJson } from './io.ts';

const formats = ['generic-worker', 'docker-worker'] as const;

/** `taskyard worker schema [format]` */
export const workerSchemaCommand = (io: Io): Command =>
  commandNamed('schema')
    .description('Print the JSON schema of the payloads that workers run.')
    .addArgument(new Argument('[format]', 'without it, a schema of both').choices(formats))
    .action(async (format: (typeof formats)[number] | undefined) => {
      const { payloadSchema } = await import('@taskyard/worker');
      sayJson(io, payloadSchema(format));
    });
