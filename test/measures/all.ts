import { unusedExports } from './doors.ts';
import { longFunctions } from './functions.ts';
import { filesBesideFloors, upwardImports } from './imports.ts';
import { untestedImplementations } from './interfaces.ts';
import type { Offence, Source } from './sources.ts';
import { type Kinds, kindsOfVerbs, placesThatBeginTransactions, wordsForADomainsNeeds } from './verbs.ts';

/** A number that tells how well the code keeps a rule. */
export interface Measure {
  readonly name: string;
  readonly value: number;
  /** The value may not be larger. */
  readonly limit: number;
  /** What was counted, and where it is. */
  readonly counted: readonly Offence[];
}

const ofKinds = (name: string, { kinds, places }: Kinds): Measure => ({
  name,
  value: kinds.length,
  limit: 1,
  counted: places,
});

const ofPlaces = (name: string, limit: number, counted: readonly Offence[]): Measure => ({
  name,
  value: counted.length,
  limit,
  counted,
});

/** The measures that the text of the code tells. */
export const measuresOf = (sources: readonly Source[]): Measure[] => [
  ofPlaces('functions over 60 lines', 0, longFunctions(sources)),
  ofPlaces('upward imports inside a domain', 0, upwardImports(sources)),
  ofPlaces('files beside the floors', 5, filesBesideFloors(sources)),
  ofPlaces('names exported by doors and unused', 0, unusedExports(sources)),
  ofKinds('kinds of verbs', kindsOfVerbs(sources)),
  ofKinds("words for a domain's needs", wordsForADomainsNeeds(sources)),
  ofPlaces('places that repeat a transaction', 1, placesThatBeginTransactions(sources)),
  ofPlaces('implementations without the suite of their interface', 0, untestedImplementations(sources)),
];

export const isOver = ({ value, limit }: Measure): boolean => value > limit;

/** Lines that tell of some measures: one for each, and below it what was counted where that is too much. */
export const report = (measures: readonly Measure[]): string[] => {
  const width = Math.max(...measures.map(({ name }) => name.length));
  return measures.flatMap((measure) => {
    const { name, value, limit, counted } = measure;
    const line = `${name.padEnd(width)}  ${String(value).padStart(3)}  at most ${limit}`;
    return isOver(measure) ? [`${line}  too many:`, ...counted.map((one) => `    ${one}`)] : [line];
  });
};
