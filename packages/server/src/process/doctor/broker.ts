import { randomBytes } from 'node:crypto';
import type { ChannelModel } from 'amqplib';
import { BrokerNodes, readBrokerUrl, whyNotConnected } from '../../base/index.ts';
import type { Config } from '../../config/index.ts';
import { foreignQueueOptions, foreignQueuePrefix } from '../../hooks/index.ts';
import { type Finding, fault, ok, warning } from './finding.ts';

const todoAbout = (reason: string): string =>
  /ACCESS[-_]REFUSED|403/.test(reason)
    ? 'Correct user, password and virtual host in AMQP_URL.'
    : 'Start it, open the way to it, or correct AMQP_URL.';

/** Sends a message to an exchange. Returns why the broker accepts none now, if that is so. */
const trySending = async (connection: ChannelModel, exchange: string): Promise<string | undefined> => {
  // A broker in an alarm confirms nothing until the alarm is over.
  const blocked = new Promise<string>((resolve) => connection.once('blocked', resolve));
  const channel = await connection.createConfirmChannel();
  channel.on('error', () => {});
  channel.publish(exchange, 'doctor', Buffer.from('{}'));
  return Promise.race([channel.waitForConfirms().then(() => undefined), blocked]);
};

/** Whether a queue can be declared as hooks do that listen to other programs. */
const tryQueue = async (connection: ChannelModel): Promise<Finding[]> => {
  const channel = await connection.createChannel();
  channel.on('error', () => {});
  const queue = `${foreignQueuePrefix}doctor-${randomBytes(6).toString('hex')}`;
  try {
    await channel.assertQueue(queue, foreignQueueOptions);
    await channel.deleteQueue(queue);
    return [];
  } catch (error) {
    const reason = `Hooks cannot listen to other programs: ${whyNotConnected(error)}.`;
    return [
      warning(reason, `Let the user configure, write and read queues that begin with ${foreignQueuePrefix}.`),
    ];
  }
};

/** Declares an exchange as the platform does, sends a message to it and deletes it. */
const tryExchange = async (
  [declaring, sending]: readonly [ChannelModel, ChannelModel],
  prefix: string,
): Promise<Finding> => {
  const channel = await declaring.createChannel();
  channel.on('error', () => {});
  const exchange = `${prefix}doctor-${randomBytes(6).toString('hex')}`;
  await channel.assertExchange(exchange, 'topic', { durable: false });
  const blockedFor = await trySending(sending, exchange).finally(() => channel.deleteExchange(exchange));
  return blockedFor === undefined
    ? ok('Exchanges can be declared and written to')
    : warning(`It accepts no messages: ${blockedFor}.`, 'Give it memory or disk; messages wait meanwhile.');
};

/** What a node of the broker says of itself, and whether it does what the platform asks for. */
const tryNode = async (url: string, prefix: string): Promise<{ product: string; findings: Finding[] }> => {
  const opened: ChannelModel[] = [];
  const open = async (): Promise<ChannelModel> => {
    const connection = await new BrokerNodes(url).connect('taskyard-doctor');
    connection.on('error', () => {});
    opened.push(connection);
    return connection;
  };
  try {
    const declaring = await open();
    const { product, version } = declaring.connection.serverProperties;
    // An alarm blocks a connection that sends, so that it could not delete the exchange.
    const state = await tryExchange([declaring, await open()], prefix);
    return { product: `${product} ${version}`, findings: [state, ...(await tryQueue(declaring))] };
  } finally {
    for (const connection of opened) await connection.close().catch(() => {});
  }
};

/** Whether the broker lets the platform send: each of its nodes that AMQP_URL names. */
export const examineBroker = async ({ amqpUrl, exchangePrefix }: Config): Promise<Finding[]> => {
  if (amqpUrl === undefined) return [ok('None is configured: messages go to the event stream')];
  const nodes = readBrokerUrl(amqpUrl);
  const isAlone = nodes.length === 1;
  const trials = await Promise.allSettled(nodes.map(({ url }) => tryNode(url, exchangePrefix)));
  const works = trials.find((trial) => trial.status === 'fulfilled');
  const states = trials.map((trial, i): Finding => {
    const { name = '' } = nodes[i] ?? {};
    if (trial.status === 'fulfilled') return ok(`${isAlone ? '' : `${name}: `}${trial.value.product}`);
    const reason = whyNotConnected(trial.reason);
    const message = `${isAlone ? 'The broker' : name} cannot be reached: ${reason}.`;
    // The platform turns to another one.
    return (works ? warning : fault)(message, todoAbout(reason));
  });
  return [...states, ...(works?.value.findings ?? [])];
};
