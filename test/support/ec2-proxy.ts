import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { pause, within } from '@taskyard/patience';
import { type Instance, type MetadataService, serveMetadata } from '@taskyard/server';
import type { RunningMachine } from './spot-pool.ts';

/** What the proxy does to those who talk to EC2 through it, which moto itself cannot do. */
export interface Harm {
  /** Whether the call of this number is turned away because there were too many. */
  isThrottled(action: string, number: number): boolean;
  /** Whether EC2 does what it is asked, and the answer gets lost. */
  losesAnswer(action: string): boolean;
  /** Zones that have no capacity. */
  isFull(zone: string): boolean;
  /** How many instances come when this many were asked for. */
  granted(count: number): number;
  /** Whether something runs on an instance once it has booted. */
  works(instanceId: string): boolean;
  /** For how long a new instance is in no answer. */
  readonly hiddenMs: number;
  readonly bootMs: number;
  readonly noticeMs: number;
}

/** A call that was made: the code of the error that it was answered with, and whether the answer got lost. */
interface Seen {
  readonly action: string;
  readonly error: string | undefined;
  readonly isLost: boolean;
}

/** EC2 behind a proxy. */
export interface Ec2Proxy {
  readonly endpoint: string;
  readonly certificate: string;
  readonly instances: ReadonlyMap<string, Instance>;
  readonly calls: readonly Seen[];
  /** Says that an instance is taken back, and takes it back when the time has come. */
  interrupt(instance: Instance): void;
  close(): Promise<void>;
}

interface Call {
  readonly action: string;
  readonly parameters: URLSearchParams;
  readonly region: string;
  readonly request: IncomingMessage;
}
interface Reply {
  readonly status: number;
  readonly xml: string;
}

const errorReply = (code: string, status: number): Reply => ({
  status,
  xml: `<?xml version="1.0"?><Response><Errors><Error><Code>${code}</Code><Message>${code}.</Message></Error></Errors><RequestID>proxy</RequestID></Response>`,
});

const errorItem = (override: ReadonlyMap<string, string>): string => {
  const [type, zone] = [override.get('InstanceType') ?? '', override.get('AvailabilityZone') ?? ''];
  return (
    '<item><launchTemplateAndOverrides><overrides>' +
    `<instanceType>${type}</instanceType><availabilityZone>${zone}</availabilityZone>` +
    '</overrides></launchTemplateAndOverrides><lifecycle>spot</lifecycle>' +
    `<errorCode>InsufficientInstanceCapacity</errorCode><errorMessage>None in ${zone}.</errorMessage></item>`
  );
};

const overrideKey = /^LaunchTemplateConfigs\.1\.Overrides\.(\d+)\.(.+)$/;
const idPattern = /i-[0-9a-f]{17}/g;
const elementIn = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];

class MotoProxy implements Ec2Proxy {
  readonly instances = new Map<string, Instance>();
  readonly calls: Seen[] = [];
  /** Those that are in no answer yet. */
  readonly #hidden = new Set<string>();
  readonly #machines = new Map<string, RunningMachine>();
  readonly #userData = new Map<string, string>();
  readonly #answers = new Map<string, { call: string; reply: Reply }>();
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => response.destroy());
  });
  readonly #moto: string;
  readonly #harm: Harm;
  readonly #startMachine: (instance: Instance, metadataEndpoint: string) => RunningMachine;
  #metadata!: MetadataService;
  #isClosing = false;

  constructor(
    moto: string,
    harm: Harm,
    startMachine: (instance: Instance, metadataEndpoint: string) => RunningMachine,
  ) {
    this.#moto = moto;
    this.#harm = harm;
    this.#startMachine = startMachine;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get certificate(): string {
    return this.#metadata.certificate;
  }

  async open(): Promise<void> {
    this.#metadata = await serveMetadata((id) => this.instances.get(id));
    this.#server.listen({ host: '127.0.0.1', port: 0 });
    await once(this.#server, 'listening');
  }

  interrupt(instance: Instance): void {
    const { noticeMs } = this.#harm;
    instance.interruptedAt = new Date(Date.now() + noticeMs);
    this.#later(noticeMs, () => this.#terminate(instance));
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const machines = [...this.#machines.values()].map((machine) => machine.end());
    await within('the machines to end', Promise.all(machines));
    this.#metadata.close();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parameters = new URLSearchParams(await text(request));
    const action = parameters.get('Action') ?? '';
    const [, region = ''] =
      /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? '') ?? [];
    const call = { action, parameters, region, request };
    const isThrottled = this.#harm.isThrottled(action, this.calls.length);
    const reply = isThrottled ? errorReply('RequestLimitExceeded', 503) : await this.#act(call);
    const error = reply.status < 300 ? undefined : elementIn(reply.xml, 'Code');
    const isLost = !isThrottled && this.#harm.losesAnswer(action);
    this.calls.push({ action, error, isLost });
    if (isLost) response.destroy();
    else response.writeHead(reply.status, { 'content-type': 'text/xml' }).end(reply.xml);
  }

  async #act(call: Call): Promise<Reply> {
    const { action, parameters } = call;
    if (action === 'CreateFleet') return this.#once(call, () => this.#createFleet(call));
    const reply = await this.#forward(call, parameters);
    if (action === 'CreateLaunchTemplate' && reply.status === 200) {
      const name = parameters.get('LaunchTemplateName') ?? '';
      this.#userData.set(name, parameters.get('LaunchTemplateData.UserData') ?? '');
    }
    if (action === 'TerminateInstances' && reply.status === 200) {
      for (const [key, id] of parameters) if (key.startsWith('InstanceId.')) this.#stop(id);
    }
    return action === 'DescribeInstances' ? { ...reply, xml: this.#withoutHidden(reply.xml) } : reply;
  }

  async #forward({ request }: Call, parameters: URLSearchParams): Promise<Reply> {
    const { authorization = '' } = request.headers;
    const reply = await fetch(this.#moto, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body: parameters.toString(),
    });
    return { status: reply.status, xml: await reply.text() };
  }

  /** What moto ignores: a call with a token that came before is answered as it was then, and does nothing. */
  async #once({ parameters }: Call, act: () => Promise<Reply>): Promise<Reply> {
    const token = parameters.get('ClientToken') ?? '';
    const call = parameters.toString();
    const before = this.#answers.get(token);
    if (before) return before.call === call ? before.reply : errorReply('IdempotentParameterMismatch', 400);
    const reply = await act();
    if (reply.status === 200) this.#answers.set(token, { call, reply });
    return reply;
  }

  async #createFleet(call: Call): Promise<Reply> {
    const overrides = new Map<string, Map<string, string>>();
    const forwarded = new URLSearchParams();
    for (const [key, value] of call.parameters) {
      const [, number, name] = overrideKey.exec(key) ?? [];
      if (number === undefined || name === undefined) forwarded.append(key, value);
      else overrides.set(number, (overrides.get(number) ?? new Map()).set(name, value));
    }
    const isFull = (override: ReadonlyMap<string, string>) =>
      this.#harm.isFull(override.get('AvailabilityZone') ?? '');
    const all = [...overrides.values()];
    const open = all.filter((override) => !isFull(override));
    const wanted = Number(call.parameters.get('TargetCapacitySpecification.TotalTargetCapacity'));
    const count = open.length === 0 ? 0 : this.#harm.granted(wanted);
    const short = count < wanted ? open : [];
    const errors = `<errorSet>${[...all.filter(isFull), ...short].map(errorItem).join('')}</errorSet>`;
    if (count === 0) {
      const content = `<fleetId>fleet-none</fleetId>${errors}<fleetInstanceSet/>`;
      return {
        status: 200,
        xml: `<CreateFleetResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>proxy</requestId>${content}</CreateFleetResponse>`,
      };
    }
    forwarded.set('TargetCapacitySpecification.TotalTargetCapacity', String(count));
    // moto uses the first place only: another one each time.
    const first = this.calls.length % open.length;
    for (const [i, override] of [...open.slice(first), ...open.slice(0, first)].entries()) {
      for (const [name, value] of override) {
        forwarded.append(`LaunchTemplateConfigs.1.Overrides.${i + 1}.${name}`, value);
      }
    }
    const reply = await this.#forward(call, forwarded);
    if (reply.status !== 200) return reply;
    const ids = [...new Set(reply.xml.match(idPattern) ?? [])];
    const template = call.parameters.get(
      'LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateName',
    );
    for (const id of ids) await this.#begin(call, id, this.#userData.get(template ?? ''));
    const xml = reply.xml.replace(/<errorSet>.*?<\/errorSet>|<errorSet\s*\/>/s, '');
    return { status: 200, xml: xml.replace('</CreateFleetResponse>', `${errors}</CreateFleetResponse>`) };
  }

  /** Lets an instance boot: then a machine runs on it that finds its metadata. */
  async #begin(call: Call, id: string, userData: string | undefined): Promise<void> {
    const wanted = new URLSearchParams({
      Action: 'DescribeInstances',
      Version: '2016-11-15',
      'InstanceId.1': id,
    });
    const { xml } = await this.#forward(call, wanted);
    const tags = [...xml.matchAll(/<item><key>([^<]*)<\/key><value>([^<]*)<\/value><\/item>/g)];
    const instance: Instance = {
      id,
      place: {
        region: call.region,
        zone: elementIn(xml, 'availabilityZone') ?? '',
        instanceType: elementIn(xml, 'instanceType') ?? '',
        purchase: 'spot',
      },
      imageId: elementIn(xml, 'imageId') ?? '',
      privateIp: elementIn(xml, 'privateIpAddress') ?? '',
      launchTime: new Date(elementIn(xml, 'launchTime') ?? 0),
      clientToken: call.parameters.get('ClientToken') ?? '',
      reservationId: '',
      userData,
      tags: new Map(tags.map(([, key = '', value = '']) => [key, value])),
      state: 'pending',
      stateReason: undefined,
      endedAt: undefined,
      interruptedAt: undefined,
      isRebalanceRecommended: false,
    };
    this.instances.set(id, instance);
    this.#hidden.add(id);
    this.#later(this.#harm.hiddenMs, () => this.#hidden.delete(id));
    this.#later(this.#harm.bootMs, () => {
      if (instance.state !== 'pending') return;
      instance.state = 'running';
      if (!this.#harm.works(id)) return;
      const machine = this.#startMachine(instance, this.#metadata.endpointOf(id));
      this.#machines.set(id, machine);
      // An instance that is shut down from inside terminates.
      void machine.ended.then(() => this.#terminate(instance));
    });
  }

  #terminate(instance: Instance): void {
    if (instance.state === 'terminated') return;
    this.#stop(instance.id);
    const credential = `AWS4-HMAC-SHA256 Credential=AKIA/20260101/${instance.place.region}/ec2/aws4_request, SignedHeaders=host, Signature=x`;
    const parameters = { Action: 'TerminateInstances', Version: '2016-11-15', 'InstanceId.1': instance.id };
    fetch(this.#moto, {
      method: 'POST',
      headers: { authorization: credential },
      body: new URLSearchParams(parameters),
    }).catch(() => undefined);
  }

  #stop(id: string): void {
    const instance = this.instances.get(id);
    if (!instance || instance.state === 'terminated') return;
    instance.state = 'terminated';
    instance.endedAt = new Date();
    void this.#machines.get(id)?.end();
    this.#machines.delete(id);
  }

  #withoutHidden(xml: string): string {
    if (this.#hidden.size === 0) return xml;
    const reservations = xml.split(/(?=<item>\s*<reservationId>)/);
    const isShown = (part: string) => ![...this.#hidden].some((id) => part.includes(id));
    const [head = '', ...others] = reservations;
    const end = /<\/reservationSet>.*$/s.exec(xml)?.[0] ?? '';
    return (
      head +
      others
        .map((part) => part.replace(/<\/reservationSet>.*$/s, ''))
        .filter(isShown)
        .join('') +
      (others.length > 0 ? end : '')
    );
  }

  #later(ms: number, act: () => void): void {
    void pause(ms).then(() => {
      if (!this.#isClosing) act();
    });
  }
}

/** Puts a proxy before moto; it starts a machine for each instance, and ends it with it. */
export const startEc2Proxy = async (
  moto: string,
  harm: Harm,
  startMachine: (instance: Instance, metadataEndpoint: string) => RunningMachine,
): Promise<Ec2Proxy> => {
  const proxy = new MotoProxy(moto, harm, startMachine);
  await proxy.open();
  return proxy;
};
