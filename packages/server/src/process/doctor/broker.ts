import { randomBytes } from 'node:crypto';
import type { ChannelModel } from 'amqplib';
import { seconds } from '../../base/index.ts';
import type { Config } from '../../config/index.ts';
import { type Finding, fault, ok, warning } from './finding.ts';

const connectWithinMs = seconds(10);

const refusal = ({ message, code }: Error & { code?: unknown }): Finding => {
  const todo = /ACCESS[-_]REFUSED|403/.test(message)
    ? 'Correct user, password and virtual host in AMQP_URL.'
    : 'Start it, open the way to it, or correct AMQP_URL.';
  return fault(`The broker cannot be reached: ${message || code}.`, todo);
};

/** Sends a message to an exchange. Returns why the broker accepts none now, if that is so. */
const trySending = async (connection: ChannelModel, exchange: string): Promise<string | undefined> => {
  // A broker in an alarm confirms nothing until the alarm is over.
  const blocked = new Promise<string>((resolve) => connection.once('blocked', resolve));
  const channel = await connection.createConfirmChannel();
  channel.on('error', () => {});
  channel.publish(exchange, 'doctor', Buffer.from('{}'));
  return Promise.race([channel.waitForConfirms().then(() => undefined), blocked]);
};

/** Declares an exchange as the platform does, sends a message to it and deletes it. */
const tryExchange = async (url: string, prefix: string): Promise<Finding[]> => {
  const amqplib = await import('amqplib');
  const open = () => amqplib.connect(url, { timeout: connectWithinMs });
  // An alarm blocks a connection that sends, so that it could not delete the exchange.
  const connections = [await open(), await open()] as const;
  const [declaring, sending] = connections;
  for (const connection of connections) connection.on('error', () => {});
  try {
    const { product, version } = declaring.connection.serverProperties;
    const channel = await declaring.createChannel();
    channel.on('error', () => {});
    const exchange = `${prefix}doctor-${randomBytes(6).toString('hex')}`;
    await channel.assertExchange(exchange, 'topic', { durable: false });
    const blockedFor = await trySending(sending, exchange).finally(() => channel.deleteExchange(exchange));
    const state =
      blockedFor === undefined
        ? ok('Exchanges can be declared and written to')
        : warning(
            `It accepts no messages: ${blockedFor}.`,
            'Give it memory or disk; messages wait meanwhile.',
          );
    return [ok(`${product} ${version}`), state];
  } finally {
    for (const connection of connections) await connection.close().catch(() => {});
  }
};

/** Whether the broker lets the platform send. */
export const examineBroker = async ({ amqpUrl, exchangePrefix }: Config): Promise<Finding[]> => {
  if (amqpUrl === undefined) return [ok('None is configured: messages go to the event stream')];
  try {
    return await tryExchange(amqpUrl, exchangePrefix);
  } catch (error) {
    return [refusal(error as Error)];
  }
};
