import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Clock, systemClock } from '../base/index.ts';
import { actions } from './actions.ts';
import { type Conditions, fairConditions } from './conditions.ts';
import type { Instance } from './instance.ts';
import { createMetadata } from './metadata.ts';
import { answerText, Ec2Error, errorText, readForm, textIn } from './query-api.ts';
import { createSeal } from './seal.ts';
import { type Keys, verifySignature } from './signature.ts';
import { type CloudState, createLife, type Machine } from './state.ts';

export type { Conditions } from './conditions.ts';
export type { Instance } from './instance.ts';
export { type MetadataService, serveMetadata } from './metadata-service.ts';
export type { Machine } from './state.ts';
export { workerProcesses } from './worker-processes.ts';

export interface DemoCloudSettings {
  /** How it differs from a friendly cloud. Asked at each use, so that it may change. */
  readonly conditions?: () => Partial<Conditions>;
  /** Starts what runs on an instance, which finds its metadata at the endpoint. */
  startMachine(instance: Instance, metadataEndpoint: string): Machine;
  readonly clock?: Clock;
}

/** A call that was made, and the code of the error that it was answered with, if any. */
interface CallSeen {
  readonly action: string;
  readonly error: string | undefined;
}

/** A cloud on this machine that speaks as EC2 does. */
export interface DemoCloud {
  /** Where EC2 listens, for all regions. */
  readonly endpoint: string;
  readonly keys: Keys;
  /** What identity documents are signed with, in PEM. */
  readonly certificate: string;
  /** Includes those that ended within the last hour. */
  readonly instances: ReadonlyMap<string, Instance>;
  readonly templates: CloudState['templates'];
  readonly calls: readonly CallSeen[];
  /** Where an instance finds its metadata. */
  metadataEndpoint(instance: Instance): string;
  /** Gives an instance the notice of an interruption, and ends it after the time in the notice. */
  interrupt(instance: Instance): void;
  recommendRebalance(instance: Instance): void;
  /** Ends an instance at once, without notice. */
  fail(instance: Instance): void;
  /** Ends all machines and stops listening. */
  close(): Promise<void>;
}

const callsKept = 10_000;

/** Starts a cloud on a free port of this machine. */
export const startDemoCloud = async (settings: DemoCloudSettings): Promise<DemoCloud> => {
  const { clock = systemClock } = settings;
  const seal = await createSeal(clock.now());
  const state: CloudState = { instances: new Map(), templates: new Map(), answers: new Map() };
  const address = { url: '' };
  const metadataEndpoint = ({ id }: Instance): string => `${address.url}/metadata/${id}`;
  const conditions = (): Conditions => ({ ...fairConditions, ...settings.conditions?.() });
  const life = createLife(state, {
    clock,
    conditions,
    startMachine: (instance) => settings.startMachine(instance, metadataEndpoint(instance)),
  });
  const cloud: Cloud = {
    keys: newKeys(),
    state,
    life,
    clock,
    conditions,
    calls: [],
    answerMetadata: createMetadata(seal),
  };
  const server = createServer((request, response) => {
    answer(cloud, request, response).catch(() => response.destroy());
  }).listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const bound = server.address();
  address.url = `http://127.0.0.1:${typeof bound === 'object' && bound ? bound.port : 0}`;
  return {
    endpoint: address.url,
    keys: cloud.keys,
    certificate: seal.certificate,
    instances: state.instances,
    templates: state.templates,
    calls: cloud.calls,
    metadataEndpoint,
    interrupt: (instance) => life.interrupt(instance),
    recommendRebalance: (instance) => {
      instance.isRebalanceRecommended = true;
    },
    fail: (instance) => {
      const message = 'Server.InternalError: Internal error on launch';
      life.terminate(instance, { code: 'Server.InternalError', message });
    },
    close: async () => {
      await life.close();
      server.closeAllConnections();
      server.close();
    },
  };
};

const newKeys = (): Keys => ({
  accessKeyId: `AKIADEMO${randomBytes(6).toString('hex').toUpperCase()}`,
  secretAccessKey: randomBytes(30).toString('base64'),
});

/** What calls work with. */
interface Cloud {
  readonly keys: Keys;
  readonly state: CloudState;
  readonly life: ReturnType<typeof createLife>;
  readonly clock: Clock;
  conditions(): Conditions;
  /** The latest calls, for tests and the demo. */
  readonly calls: CallSeen[];
  readonly answerMetadata: ReturnType<typeof createMetadata>;
}

/** Returns a call: of an instance for its metadata, or of a client of EC2. */
const answer = async (cloud: Cloud, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { method = '', headers, url: path = '' } = request;
  const body = await text(request);
  const [, id, rest] = /^\/metadata\/([^/]+)\/latest\/(.*)$/.exec(path) ?? [];
  if (id === undefined || rest === undefined) {
    const { status, xml } = act(cloud, { method, path, headers, body });
    response.writeHead(status, { 'content-type': 'text/xml' }).end(xml);
    return;
  }
  const instance = cloud.state.instances.get(id);
  const reply = instance
    ? await cloud.answerMetadata(instance, { method, path: rest, headers })
    : { status: 404, body: '' };
  response.writeHead(reply.status).end(reply.body);
};

/** Does what a signed call asks for. */
const act = (
  { keys, state, life, clock, conditions, calls }: Cloud,
  call: Parameters<typeof verifySignature>[0],
): { status: number; xml: string } => {
  const requestId = randomUUID();
  const parameters = readForm(new URLSearchParams(call.body));
  const action = textIn(parameters, 'Action') ?? '';
  const note = (error: string | undefined): void => {
    calls.push({ action, error });
    if (calls.length > callsKept) calls.shift();
  };
  try {
    // Callers sign by the clock of the machine, whatever time it is in here.
    const region = verifySignature(call, keys, systemClock.now());
    if (conditions().isThrottled(action)) {
      throw new Ec2Error('RequestLimitExceeded', 'Request limit exceeded.', 503);
    }
    const run = actions[action];
    if (!run) throw new Ec2Error('InvalidAction', `The action ${action} is not valid`);
    const reply = run({ region, parameters, state, life, conditions: conditions(), clock });
    note(undefined);
    return { status: 200, xml: answerText(action, requestId, reply) };
  } catch (error) {
    const failure = error instanceof Ec2Error ? error : new Ec2Error('InternalError', String(error), 500);
    note(failure.code);
    return { status: failure.status, xml: errorText(requestId, failure) };
  }
};
