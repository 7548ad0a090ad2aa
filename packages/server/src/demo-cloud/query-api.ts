/** The parameters of a call: `Filter.1.Value.2=x` is the second value of the first filter. */
export type Parameters = string | ParameterList | ParameterGroup;
export type ParameterList = readonly Parameters[];
export interface ParameterGroup {
  readonly [name: string]: Parameters;
}

/** An error that EC2 answers with. */
export class Ec2Error extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

interface Growing {
  [name: string]: string | Growing;
}

/** Reads a form as EC2 gets it. */
export const readForm = (form: URLSearchParams): ParameterGroup => {
  const root: Growing = {};
  for (const [name, value] of form) {
    const words = name.split('.');
    const last = words.pop() ?? '';
    let group = root;
    for (const word of words) {
      const next = group[word];
      if (typeof next === 'object') group = next;
      else {
        const made: Growing = {};
        group[word] = made;
        group = made;
      }
    }
    group[last] = value;
  }
  return settled(root) as ParameterGroup;
};

/** Groups whose names are numbers are lists. */
const settled = (value: string | Growing): Parameters => {
  if (typeof value === 'string') return value;
  const entries = Object.entries(value);
  if (entries.every(([name]) => /^\d+$/.test(name))) {
    return entries.toSorted(([a], [b]) => Number(a) - Number(b)).map(([, item]) => settled(item));
  }
  return Object.fromEntries(entries.map(([name, item]) => [name, settled(item)]));
};

export const textIn = (group: ParameterGroup, name: string): string | undefined => {
  const value = group[name];
  return typeof value === 'string' ? value : undefined;
};
export const listIn = (group: ParameterGroup, name: string): ParameterList => {
  const value = group[name];
  return Array.isArray(value) ? value : [];
};
export const textsIn = (group: ParameterGroup, name: string): string[] =>
  listIn(group, name).filter((value) => typeof value === 'string');
export const groupIn = (group: ParameterGroup, name: string): ParameterGroup => {
  const value = group[name];
  return typeof value === 'object' && !Array.isArray(value) ? (value as ParameterGroup) : {};
};
export const groupsIn = (group: ParameterGroup, name: string): ParameterGroup[] =>
  listIn(group, name).filter(
    (value): value is ParameterGroup => typeof value === 'object' && !Array.isArray(value),
  );

/** A parameter that the call must have; without it, throws the error that EC2 answers with. */
export const required = (group: ParameterGroup, name: string): string => {
  const value = textIn(group, name);
  if (value === undefined) {
    throw new Ec2Error('MissingParameter', `The request must contain the parameter ${name}`);
  }
  return value;
};

/** A reply before it is XML: lists become `<item>`s, and undefined values are left out. */
export type Reply =
  | string
  | number
  | boolean
  | undefined
  | readonly Reply[]
  | { readonly [name: string]: Reply };

const escapes: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };
const escaped = (text: string): string => text.replaceAll(/[<>&"]/g, (letter) => escapes[letter] ?? letter);

const element = (name: string, value: Reply): string => {
  if (value === undefined) return '';
  return `<${name}>${content(value)}</${name}>`;
};
const content = (value: Reply): string => {
  if (Array.isArray(value)) return value.map((item: Reply) => element('item', item)).join('');
  if (typeof value === 'object')
    return Object.entries(value)
      .map(([name, part]) => element(name, part as Reply))
      .join('');
  return escaped(String(value));
};

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
const namespace = 'http://ec2.amazonaws.com/doc/2016-11-15/';

/** The XML of an answer. */
export const answerText = (action: string, requestId: string, reply: Record<string, Reply>): string =>
  `${declaration}<${action}Response xmlns="${namespace}">${content({ requestId, ...reply })}</${action}Response>`;

/** The XML of an error. */
export const errorText = (requestId: string, { code, message }: Ec2Error): string =>
  declaration +
  element('Response', { Errors: { Error: { Code: code, Message: message } }, RequestID: requestId });
