import { type Binding, followEvents, type StreamedMessage } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from './connected.ts';
import { exitCodes } from './exit-codes.ts';
import { harmless, type Io, remark, say, sayJsonLine } from './io.ts';

interface EventsOptions extends ConnectedOptions {
  readonly exchange: readonly string[];
  readonly pattern: string;
  readonly since?: string;
}

const fullName = /^exchange\/taskcluster-([^/]+)\/v1\/(.+)$/;

/** `queue/task-completed` stands for `exchange/taskcluster-queue/v1/task-completed`. */
const exchangeNamed = (name: string): string => {
  const [, service, exchange] = name.match(/^([a-z-]+)\/([a-z-]+)$/) ?? [];
  return service ? `exchange/taskcluster-${service}/v1/${exchange}` : name;
};

const bindingsOf = ({ exchange, pattern }: EventsOptions): Binding[] =>
  (exchange.length > 0 ? exchange.map(exchangeNamed) : ['#']).map((name) => ({
    exchange: name,
    routingKeyPattern: pattern,
  }));

/** A message in a line: the exchange by its short name, the routing key, the routes. */
const messageLine = ({ exchange, routingKey, routes }: StreamedMessage): string =>
  harmless(
    [exchange.replace(fullName, '$1/$2'), routingKey, ...routes.map((route) => `route.${route}`)].join('  '),
  );

const collect = (value: string, collected: readonly string[]): string[] => [...collected, value];

/** `taskyard events` */
export const eventsCommand = (io: Io): Command =>
  connectedCommand('events')
    .description('Follow the messages of all services, from now on, until Ctrl-C.')
    .option('--exchange <name>', 'only of this exchange: queue/task-failed; may be repeated', collect, [])
    .option('--pattern <pattern>', 'only those whose routing key, or a route of whose, fits', '#')
    .option('--since <id>', 'begin after this message; --json shows the ids')
    .action(async (options: EventsOptions) => {
      const interrupt = new AbortController();
      const stopListening = io.onInterrupt(() => interrupt.abort());
      let mayMiss = options.since !== undefined;
      const messages = followEvents({
        ...serverOf(io, options),
        bindings: bindingsOf(options),
        lastEventId: options.since,
        signal: interrupt.signal,
        onConnect: ({ isGapless }) => {
          if (mayMiss && !isGapless) remark(io, 'The server has forgotten some of the messages in between.');
          mayMiss = true;
        },
      });
      try {
        for await (const message of messages) {
          if (options.json) sayJsonLine(io, message);
          else say(io, messageLine(message));
        }
      } finally {
        stopListening();
      }
      io.setExitCode(exitCodes.interrupted);
    });
