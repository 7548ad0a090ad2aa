import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Ending } from './platform.ts';

/** A span as it came over the wire. */
export interface ReceivedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the root of a trace. */
  readonly parentId: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 2 for a failure. */
  readonly status: number;
}

/** An endpoint that takes OTLP over HTTP, in protobuf as OpenTelemetry's `trace.proto` has it. */
export interface OtlpEndpoint {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** All bodies, as they came. */
  bytes(): Buffer;
}

type Field = readonly [number: number, value: bigint | Buffer];

/** The fields of a message, in order. */
const fieldsOf = (bytes: Buffer): Field[] => {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  const read = (type: number): bigint | Buffer => {
    if (type === 0) return varint();
    if (type === 1) return take(8).readBigUInt64LE();
    if (type === 2) return take(Number(varint()));
    if (type === 5) return BigInt(take(4).readUInt32LE());
    throw new Error(`A field of type ${type} is not known.`);
  };
  const fields: Field[] = [];
  while (at < bytes.length) {
    const key = varint();
    fields.push([Number(key >> 3n), read(Number(key & 7n))]);
  }
  return fields;
};

const all = (fields: readonly Field[], number: number): Buffer[] =>
  fields.flatMap(([one, value]) => (one === number && typeof value !== 'bigint' ? [value] : []));
const text = (fields: readonly Field[], number: number): string => String(all(fields, number)[0] ?? '');
const hex = (fields: readonly Field[], number: number): string =>
  all(fields, number)[0]?.toString('hex') ?? '';
const whole = (fields: readonly Field[], number: number): bigint => {
  const value = fields.find(([one]) => one === number)?.[1] ?? 0n;
  return typeof value === 'bigint' ? value : 0n;
};

/** Texts, numbers, truth values and lists of these. */
const anyValue = (bytes: Buffer): unknown => {
  const [[number, value] = [0, 0n]] = fieldsOf(bytes);
  if (typeof value === 'bigint') return number === 2 ? value === 1n : Number(value);
  return number === 5 ? all(fieldsOf(value), 1).map(anyValue) : String(value);
};

const attributesOf = (entries: readonly Buffer[]): Record<string, unknown> =>
  Object.fromEntries(
    entries.map(fieldsOf).map((entry) => [text(entry, 1), anyValue(all(entry, 2)[0] ?? Buffer.alloc(0))]),
  );

const spanOf = (bytes: Buffer, service: string): ReceivedSpan => {
  const span = fieldsOf(bytes);
  return {
    service,
    traceId: hex(span, 1),
    spanId: hex(span, 2),
    parentId: hex(span, 4),
    name: text(span, 5),
    kind: Number(whole(span, 6)),
    startNs: whole(span, 7),
    endNs: whole(span, 8),
    attributes: attributesOf(all(span, 9)),
    links: all(span, 13)
      .map(fieldsOf)
      .map((link) => ({ traceId: hex(link, 1), spanId: hex(link, 2) })),
    status: Number(whole(fieldsOf(all(span, 15)[0] ?? Buffer.alloc(0)), 3)),
  };
};

/** The spans of an `ExportTraceServiceRequest`. */
const spansIn = (bytes: Buffer): ReceivedSpan[] =>
  all(fieldsOf(bytes), 1)
    .map(fieldsOf)
    .flatMap((resourceSpans) => {
      const resource = fieldsOf(all(resourceSpans, 1)[0] ?? Buffer.alloc(0));
      const service = String(attributesOf(all(resource, 1))['service.name']);
      return all(resourceSpans, 2).flatMap((scope) =>
        all(fieldsOf(scope), 2).map((span) => spanOf(span, service)),
      );
    });

/** Starts an endpoint. When the test ends, so does it. */
export const anOtlpEndpoint = async (test: Ending): Promise<OtlpEndpoint> => {
  const bodies: Buffer[] = [];
  const spans: ReceivedSpan[] = [];
  const server = createServer(async (request, reply) => {
    const body = await buffer(request);
    const isExport = request.url === '/v1/traces' && request.method === 'POST';
    const isProtobuf = request.headers['content-type'] === 'application/x-protobuf';
    if (isExport && isProtobuf) {
      bodies.push(body);
      spans.push(...spansIn(body));
    }
    reply.writeHead(isExport && isProtobuf ? 200 : 400).end();
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  test.after(async () => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, spans, bytes: () => Buffer.concat(bodies) };
};
