import { DockerWorkerPayload } from './docker-worker-schema.ts';
import { GenericWorkerPayload } from './generic-worker-schema.ts';

const formats = {
  'generic-worker': { title: 'Payload of generic-worker on POSIX systems', schema: GenericWorkerPayload },
  'docker-worker': { title: 'Payload of docker-worker', schema: DockerWorkerPayload },
} as const;
export type PayloadFormat = keyof typeof formats;

const draft = 'http://json-schema.org/draft-07/schema#';

const titled = (format: PayloadFormat): object => {
  const { title, schema } = formats[format];
  return { title, ...(JSON.parse(JSON.stringify(schema)) as object) };
};

/** What tools check payloads with before they send them: the schema of one format, or of whichever applies. */
export const payloadSchema = (format?: PayloadFormat): object =>
  format
    ? { $schema: draft, ...titled(format) }
    : { $schema: draft, title: 'Payload', oneOf: [titled('generic-worker'), titled('docker-worker')] };
