import { randomInt } from 'node:crypto';
import type { ChannelModel } from 'amqplib';
import { seconds } from './clock.ts';
import { placesIn } from './places.ts';

/** One node of a broker. */
export interface BrokerNode {
  /** Host and port, for messages: the URL holds a password. */
  readonly name: string;
  /** The URL of this node alone. */
  readonly url: string;
}

const shape = /^(amqps?:\/\/)((?:[^/?#]*@)?)([^/?#]*)([^#]*)/;
const standardPorts: Readonly<Record<string, string>> = { 'amqp://': '5672', 'amqps://': '5671' };

/** A node counts as dead after twice this many seconds of silence. */
const heartbeatSeconds = 20;
const connectMaxMs = seconds(10);
/** With other nodes to turn to, a silent one is left sooner. */
const connectToOneOfManyMaxMs = seconds(3);

/**
 * Reads an AMQP URL that may name the nodes of a cluster: `amqps://user:password@one:5671,two,three/vhost`. Throws the rest
 * of a sentence about the URL, without what it says.
 */
export const readBrokerUrl = (url: string): readonly [BrokerNode, ...BrokerNode[]] => {
  const [, scheme = '', userinfo = '', authority = '', rest = ''] = shape.exec(url) ?? [];
  const [first, ...others] = placesIn(authority).map(({ host, port = standardPorts[scheme] }) => {
    const node = `${scheme}${userinfo}${host}:${port}${rest}`;
    if (host === '' || !URL.canParse(node)) throw new Error('has a host that is none');
    return { name: `${host}:${port}`, url: withHeartbeat(node) };
  });
  return [first as BrokerNode, ...others];
};

const withHeartbeat = (url: string): string => {
  const parsed = new URL(url);
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', String(heartbeatSeconds));
  return parsed.href;
};

/** Why an AMQP URL cannot be used, without what it says; undefined when it can, or there is none. */
export const mistakeInBrokerUrl = (url: string | undefined): string | undefined => {
  try {
    if (url !== undefined) readBrokerUrl(url);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

/** Opens connections to the nodes of a broker. */
export class BrokerNodes {
  readonly #nodes: readonly BrokerNode[];
  /** Counts attempts: each begins with the node after the last one that was tried, which may be why there is another. */
  #tried: number;

  /** @param choose picks the node to begin with, of so many. By chance, so that processes are spread over the nodes */
  constructor(url: string, choose: (nodes: number) => number = (nodes) => randomInt(nodes)) {
    this.#nodes = readBrokerUrl(url);
    this.#tried = choose(this.#nodes.length);
  }

  /** Connects to the next node that accepts it, each being tried once. Rejects when none does, with what each of them said. */
  async connect(connectionName: string): Promise<ChannelModel> {
    const failures: { readonly name: string; readonly error: Error }[] = [];
    for (const _ of this.#nodes) {
      const node = this.#nodes[this.#tried++ % this.#nodes.length] as BrokerNode;
      try {
        return await connectTo(node, connectionName, this.#nodes.length);
      } catch (error) {
        failures.push({ name: node.name, error: error as Error });
      }
    }
    const [first] = failures;
    if (failures.length === 1) throw first?.error;
    const reasons = failures.map(({ name, error }) => `${name}: ${whyNotConnected(error)}`);
    throw new Error(reasons.join('; '), { cause: first?.error });
  }
}

/** Why a connection could not be opened. A host with several addresses that refuse it leaves a code alone. */
export const whyNotConnected = (error: unknown): string => {
  const { message, code } = error as Error & { code?: unknown };
  return message || String(code);
};

const connectTo = async (
  { url }: BrokerNode,
  connectionName: string,
  nodes: number,
): Promise<ChannelModel> => {
  const { connect } = await import('amqplib');
  return connect(url, {
    timeout: nodes > 1 ? connectToOneOfManyMaxMs : connectMaxMs,
    noDelay: true,
    keepAlive: true,
    clientProperties: { connection_name: connectionName },
  });
};
