import { Ec2Error, groupsIn, type ParameterGroup, required, textIn, textsIn } from './query-api.ts';

export type Tags = ReadonlyMap<string, string>;

/** The tags that a call wants things of a type to have. */
export const tagsFor = (parameters: ParameterGroup, type: string): Tags =>
  new Map(
    groupsIn(parameters, 'TagSpecification')
      .filter((specification) => textIn(specification, 'ResourceType') === type)
      .flatMap((specification) => groupsIn(specification, 'Tag'))
      .map((tag) => [required(tag, 'Key'), textIn(tag, 'Value') ?? '']),
  );

export interface Filter {
  readonly name: string;
  readonly values: readonly string[];
}

const valuesMax = 200;

export const filtersIn = (parameters: ParameterGroup): Filter[] =>
  groupsIn(parameters, 'Filter').map((filter) => {
    const values = textsIn(filter, 'Value');
    if (values.length > valuesMax) {
      throw new Ec2Error('FilterLimitExceeded', `A filter may have ${valuesMax} values`);
    }
    return { name: required(filter, 'Name'), values };
  });

export interface Filtered {
  readonly tags: Tags;
  /** By the names of filters. */
  readonly values: Readonly<Record<string, string>>;
}

/** Whether something passes all filters; of each, one value is enough. */
export const isWanted = (filters: readonly Filter[], { tags, values }: Filtered): boolean =>
  filters.every((filter) => {
    const isTag = filter.name.startsWith('tag:');
    if (!isTag && !(filter.name in values)) {
      throw new Ec2Error('InvalidParameterValue', `The filter '${filter.name}' is invalid`);
    }
    const value = isTag ? tags.get(filter.name.slice('tag:'.length)) : values[filter.name];
    return value !== undefined && filter.values.includes(value);
  });
