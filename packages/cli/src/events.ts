import {
  authExchanges,
  type Binding,
  followEvents,
  hooksExchanges,
  notifyExchanges,
  queueExchanges,
  type StreamedMessage,
  schedulerExchanges,
  type TaskStatus,
  workerManagerExchanges,
} from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf, serverOf } from './connected.ts';
import { exitCodes } from './exit-codes.ts';
import { harmless, type Io, remark, say, sayJsonLine } from './io.ts';
import { unknownName } from './known-names.ts';
import { TaskNames } from './task-names.ts';
import { shownClock } from './times.ts';

interface EventsOptions extends ConnectedOptions {
  readonly exchange: readonly string[];
  readonly pattern: string;
  readonly since?: string;
}

const fullName = /^exchange\/taskcluster-([^/]+)\/v1\/(.+)$/;

const shortName = (exchange: string): string => exchange.replace(fullName, '$1/$2');

/** The exchanges of all services, by their short names. */
const knownExchanges: readonly string[] = [
  authExchanges,
  hooksExchanges,
  notifyExchanges,
  queueExchanges,
  schedulerExchanges,
  workerManagerExchanges,
].flatMap((exchanges) => Object.values(exchanges).map(({ exchange }) => shortName(exchange)));

/** `queue/task-completed` stands for `exchange/taskcluster-queue/v1/task-completed`. */
const exchangeNamed = (name: string): string => {
  const [, service, exchange] = name.match(/^([^/]+)\/([^/]+)$/) ?? [];
  if (service === undefined && name.includes('/')) return name;
  if (!knownExchanges.includes(name)) throw unknownName('exchange', name, knownExchanges);
  return `exchange/taskcluster-${service}/v1/${exchange}`;
};

const bindingsOf = ({ exchange, pattern }: EventsOptions): Binding[] =>
  (exchange.length > 0 ? exchange.map(exchangeNamed) : ['#']).map((name) => ({
    exchange: name,
    routingKeyPattern: pattern,
  }));

/** The common fields of messages about tasks. */
interface AboutTask {
  readonly status?: TaskStatus;
  readonly runId?: number;
}

/** The time of a message: the last time of its run, or its arrival when it has no run. */
const timeOf = ({ status, runId = -1 }: AboutTask): string => {
  const run = status?.runs?.[runId];
  return run?.resolved ?? run?.started ?? run?.scheduled ?? new Date().toJSON();
};

/** A message in a line: time, short name of the exchange, the task's name, the routing key, the routes. */
const messageLine = async (io: Io, names: TaskNames, message: StreamedMessage): Promise<string> => {
  const { exchange, routingKey, routes, payload } = message;
  const about = (payload ?? {}) as AboutTask;
  const name = about.status?.taskId && (await names.of(about.status.taskId));
  const words = [
    shownClock(io, timeOf(about)),
    shortName(exchange),
    ...(name ? [name] : []),
    routingKey,
    ...routes.map((route) => `route.${route}`),
  ];
  return harmless(words.join('  '));
};

const collect = (value: string, collected: readonly string[]): string[] => [...collected, value];

/** `taskyard events` */
export const eventsCommand = (io: Io): Command =>
  connectedCommand('events')
    .description('Follow the messages of all services, from now on, until Ctrl-C.')
    .option('--exchange <name>', 'only of this exchange: queue/task-failed; may be repeated', collect, [])
    .option('--pattern <pattern>', 'only messages whose routing key, or one of whose routes, matches', '#')
    .option('--since <id>', 'begin after this message; --json shows the ids')
    .action(async (options: EventsOptions) => {
      const interrupt = new AbortController();
      const stopListening = io.onInterrupt(() => interrupt.abort());
      const names = new TaskNames(queueOf(io, options));
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
          else say(io, await messageLine(io, names, message));
        }
      } finally {
        stopListening();
      }
      io.setExitCode(exitCodes.interrupted);
    });
