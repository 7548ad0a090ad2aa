import { optionalUrl } from './setting-shapes.ts';

const endpoint = ['https?', 'a URL that starts with http:// or https://'] as const;

/** Where traces go, by the names that OpenTelemetry gives the variables. */
export const tracingSettings = {
  otlpEndpoint: optionalUrl(...endpoint, {
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    // Collectors are often reached with a name and a password in the URL.
    secret: true,
    description:
      'Base URL of an OpenTelemetry collector that takes OTLP over HTTP; `/v1/traces` is added. Without it there are no ' +
      'traces, and they cost nothing.',
  }),
  otlpTracesEndpoint: optionalUrl(...endpoint, {
    env: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    secret: true,
    description: 'The whole URL for traces, in place of `otlpEndpoint`.',
  }),
};
