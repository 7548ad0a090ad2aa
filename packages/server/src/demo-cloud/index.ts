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

export { type Conditions, fairConditions, type Place } from './conditions.ts';
export type { Instance, InstanceState } from './instance.ts';
export type { Machine } from './state.ts';
export { type WorkerProcesses, workerProcesses } from './worker-processes.ts';

export interface DemoCloudSettings {
  /** How it behaves, where it is not as friendly as it can be. Asked anew whenever it matters. */
  readonly conditions?: () => Partial<Conditions>;
  /** Starts what runs on an instance, which finds its metadata at the endpoint. */
  startMachine(instance: Instance, metadataEndpoint: string): Machine;
  readonly clock?: Clock;
}

/** A call that was made, and the code of the error that it was answered with, if any. */
export interface CallSeen {
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
  /** Those that ended within the last hour included. */
  readonly instances: ReadonlyMap<string, Instance>;
  readonly templates: CloudState['templates'];
  readonly calls: readonly CallSeen[];
  /** Where an instance finds its metadata. */
  metadataEndpoint(instance: Instance): string;
  /** Tells an instance that it is taken back, and takes it back when the time has come. */
  interrupt(instance: Instance): void;
  recommendRebalance(instance: Instance): void;
  /** Ends an instance at once, without a word before. */
  fail(instance: Instance): void;
  /** Ends all machines, and listens no more. */
  close(): Promise<void>;
}

const callsKept = 10_000;

/** Starts a cloud on a free port of this machine. */
export const startDemoCloud = async (settings: DemoCloudSettings): Promise<DemoCloud> => {
  const { clock = systemClock } = settings;
  const conditions = (): Conditions => ({ ...fairConditions, ...settings.conditions?.() });
  const seal = await createSeal(clock.now());
  const keys = {
    accessKeyId: `AKIADEMO${randomBytes(6).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
  };
  const state: CloudState = { instances: new Map(), templates: new Map(), answers: new Map() };
  const calls: CallSeen[] = [];
  const address = { url: '' };
  const metadataEndpoint = ({ id }: Instance): string => `${address.url}/metadata/${id}`;
  const life = createLife(state, {
    clock,
    conditions,
    startMachine: (instance) => settings.startMachine(instance, metadataEndpoint(instance)),
  });
  const note = (call: CallSeen): void => {
    calls.push(call);
    if (calls.length > callsKept) calls.shift();
  };
  const answerMetadata = createMetadata(seal);

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '';
    const { method = '', headers } = request;
    const body = await text(request);
    const [, id, rest] = /^\/metadata\/([^/]+)\/latest\/(.*)$/.exec(path) ?? [];
    if (id !== undefined && rest !== undefined) {
      const instance = state.instances.get(id);
      const reply = instance
        ? await answerMetadata(instance, { method, path: rest, headers })
        : { status: 404, body: '' };
      response.writeHead(reply.status).end(reply.body);
      return;
    }
    const requestId = randomUUID();
    const parameters = readForm(new URLSearchParams(body));
    const action = textIn(parameters, 'Action') ?? '';
    try {
      // Callers sign by the clock of the machine, whatever time it is in here.
      const region = verifySignature({ method, path, headers, body }, keys, systemClock.now());
      if (conditions().isThrottled(action)) {
        throw new Ec2Error('RequestLimitExceeded', 'Request limit exceeded.', 503);
      }
      const act = actions[action];
      if (!act) throw new Ec2Error('InvalidAction', `The action ${action} is not valid`);
      const reply = act({ region, parameters, state, life, conditions: conditions(), clock });
      note({ action, error: undefined });
      response.writeHead(200, { 'content-type': 'text/xml' }).end(answerText(action, requestId, reply));
    } catch (error) {
      const failure = error instanceof Ec2Error ? error : new Ec2Error('InternalError', String(error), 500);
      note({ action, error: failure.code });
      response.writeHead(failure.status, { 'content-type': 'text/xml' }).end(errorText(requestId, failure));
    }
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  }).listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const bound = server.address();
  address.url = `http://127.0.0.1:${typeof bound === 'object' && bound ? bound.port : 0}`;
  return {
    endpoint: address.url,
    keys,
    certificate: seal.certificate,
    instances: state.instances,
    templates: state.templates,
    calls,
    metadataEndpoint,
    interrupt: life.interrupt,
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
