import { dockerWorkerReader } from './read-docker-worker.ts';
import { genericWorkerReader } from './read-generic-worker.ts';
import { payloadReaderSuite } from './testing/payload-reader-suite.ts';

payloadReaderSuite('docker-worker', {
  reader: dockerWorkerReader,
  minimal: { image: 'debian:12', maxRunTime: 60 },
});
payloadReaderSuite('generic-worker', {
  reader: genericWorkerReader,
  minimal: { command: [['true']], maxRunTime: 60 },
});
