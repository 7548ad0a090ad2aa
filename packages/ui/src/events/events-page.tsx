import { Button, Code, Group, Loader, MultiSelect, Text, TextInput } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import {
  authExchanges,
  type Exchange,
  hooksExchanges,
  notifyExchanges,
  queueExchanges,
  type StreamedMessage,
  workerManagerExchanges,
} from '@taskyard/client/browser';
import { useState } from 'react';
import { useEvents } from '../session/use-events.ts';
import { Page } from '../shell/page.tsx';

const exchanges = [queueExchanges, workerManagerExchanges, hooksExchanges, authExchanges, notifyExchanges]
  .flatMap((all) => Object.values(all) as Exchange[])
  .map(({ exchange }) => exchange)
  .sort();
const shownMax = 200;

interface Shown extends StreamedMessage {
  readonly arrived: string;
}

/** Messages as they come, the latest first; only while the user wants it. */
const Messages = ({ chosen, pattern }: { chosen: readonly string[]; pattern: string }) => {
  const [messages, setMessages] = useState<readonly Shown[]>([]);
  const [isListening, setListening] = useState(false);
  useEvents({
    bindings: chosen.map((exchange) => ({ exchange, routingKeyPattern: pattern })),
    // Called first when the stream is connected: messages from then on are shown.
    onGap: () => setListening(true),
    onMessages: (more) => {
      const arrived = new Date().toLocaleTimeString();
      setMessages((before) =>
        [...more.map((message) => ({ ...message, arrived })).reverse(), ...before].slice(0, shownMax),
      );
    },
  });
  if (!isListening) return <Loader aria-label="Connecting to the stream of messages" size="sm" />;
  if (messages.length === 0) return <Text c="dimmed">Nothing has come yet.</Text>;
  return (
    <section aria-label="Messages">
      <Text size="sm" c="dimmed">
        {messages.length === shownMax ? `The latest ${shownMax}` : `${messages.length} so far`}
      </Text>
      {messages.map(({ id, exchange, routingKey, arrived, payload }) => (
        <details key={id}>
          <summary className="mono">
            {arrived} {exchange.split('/').at(-1)} {routingKey}
          </summary>
          <Code block>{JSON.stringify(payload, null, 2)}</Code>
        </details>
      ))}
    </section>
  );
};

/** `/events?exchanges=…&pattern=…`: the messages that programs listen to. */
export const EventsPage = () => {
  const { exchanges: wanted = '', pattern = '#' } = useSearch({ strict: false }) as {
    exchanges?: string;
    pattern?: string;
  };
  const navigate = useNavigate();
  const [isPaused, setPaused] = useState(false);
  const chosen = wanted.split(',').filter(Boolean);
  const change = (search: { exchanges?: string; pattern?: string }) =>
    void navigate({
      to: '/events',
      search: { exchanges: wanted, pattern, ...search },
      replace: true,
    } as never);
  return (
    <Page
      title="Messages"
      actions={
        <Button size="xs" variant="default" onClick={() => setPaused(!isPaused)}>
          {isPaused ? 'Listen' : 'Pause'}
        </Button>
      }
    >
      <Group align="flex-start" gap="xs">
        <MultiSelect
          size="xs"
          label="Exchanges"
          placeholder={chosen.length === 0 ? 'which messages' : ''}
          searchable
          data={exchanges}
          value={chosen}
          onChange={(next) => change({ exchanges: next.join(',') })}
          miw={280}
          maw={560}
        />
        <TextInput
          size="xs"
          label="Routing keys"
          description="* is a word, # any words"
          defaultValue={pattern}
          onBlur={(event) => change({ pattern: event.currentTarget.value || '#' })}
        />
      </Group>
      {chosen.length === 0 || isPaused ? (
        <Text c="dimmed">{isPaused ? 'Messages that come now are not shown.' : 'Choose an exchange.'}</Text>
      ) : (
        <Messages key={`${wanted} ${pattern}`} chosen={chosen} pattern={pattern} />
      )}
    </Page>
  );
};
