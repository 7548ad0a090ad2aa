import { Table, Text, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';

/** One row: what it is found by, and what stands in its columns. */
export interface ListingRow {
  readonly key: string;
  readonly cells: readonly ReactNode[];
}

const shownMax = 500;

/** A table, with a field that finds rows by their keys where there are many. */
export const Listing = ({
  columns,
  rows,
  nothing,
  what,
}: {
  columns: readonly string[];
  rows: readonly ListingRow[];
  nothing: string;
  what: string;
}) => {
  const [words, setWords] = useState('');
  const found = rows.filter(({ key }) => key.toLowerCase().includes(words.toLowerCase()));
  if (rows.length === 0) return <Text c="dimmed">{nothing}</Text>;
  return (
    <>
      {rows.length > 8 && (
        <TextInput
          size="xs"
          maw={320}
          aria-label={`Find ${what}`}
          placeholder={`Find among ${rows.length}`}
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
        />
      )}
      <Table.ScrollContainer minWidth={columns.length > 3 ? 520 : 260}>
        <Table striped>
          <Table.Thead>
            <Table.Tr>
              {columns.map((column) => (
                <Table.Th key={column}>{column}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {found.slice(0, shownMax).map(({ key, cells }) => (
              <Table.Tr key={key}>
                {cells.map((cell, i) => (
                  <Table.Td key={columns[i]} style={{ overflowWrap: 'anywhere' }}>
                    {cell}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {found.length > shownMax && (
        <Text size="sm">
          The first {shownMax} of {found.length}
        </Text>
      )}
    </>
  );
};

/** Facts about one thing, by name. */
export const Facts = ({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) => (
  <Table>
    <Table.Tbody>
      {facts.map(([name, value]) => (
        <Table.Tr key={name}>
          <Table.Th scope="row" w={150}>
            {name}
          </Table.Th>
          <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
        </Table.Tr>
      ))}
    </Table.Tbody>
  </Table>
);
