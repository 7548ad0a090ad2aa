/** Where traces go. Without either there are none. */
export interface TracingSettings {
  /** Base URL of an OTLP endpoint, to which `/v1/traces` is added. */
  readonly endpoint?: string | undefined;
  /** The whole URL. It overrides the other. */
  readonly tracesEndpoint?: string | undefined;
}

const protocols = ['', 'http/protobuf'];

const isOff = (environment: NodeJS.ProcessEnv): boolean =>
  environment.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || environment.OTEL_TRACES_EXPORTER === 'none';

const urlOf = ({ endpoint, tracesEndpoint }: TracingSettings): string | undefined =>
  tracesEndpoint ?? (endpoint === undefined ? undefined : `${endpoint.replace(/\/+$/, '')}/v1/traces`);

/**
 * The URL to export to, or why that cannot be. Undefined where none is set, or where OpenTelemetry's own variables switch
 * traces off. What else these say is read by its libraries.
 */
export const targetOf = (
  settings: TracingSettings,
  environment: NodeJS.ProcessEnv = process.env,
): { readonly url: string } | { readonly obstacle: string } | undefined => {
  const url = urlOf(settings);
  if (url === undefined || isOff(environment)) return undefined;
  if (!URL.canParse(url)) return { obstacle: 'the URL of the endpoint is not valid' };
  const protocol =
    environment.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? environment.OTEL_EXPORTER_OTLP_PROTOCOL ?? '';
  if (protocols.includes(protocol)) return { url };
  return { obstacle: `the protocol of OTLP is set to ${protocol}, and only http/protobuf is supported` };
};
