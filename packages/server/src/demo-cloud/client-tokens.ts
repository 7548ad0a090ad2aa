import type { Answer, Call } from './call.ts';
import { Ec2Error, textIn } from './query-api.ts';

const lettersMax = 64;

/** The same call with the same token is answered as before, and does nothing; another one with it is an error. */
export const remembered = (
  { region, parameters, state }: Call,
  action: string,
  act: () => Answer,
): Answer => {
  const token = textIn(parameters, 'ClientToken');
  if (token === undefined) return act();
  if (token.length > lettersMax) throw new Ec2Error('InvalidParameterValue', 'The client token is too long');
  const key = `${region}/${action}/${token}`;
  const call = JSON.stringify(parameters);
  const before = state.answers.get(key);
  if (before && before.call !== call) {
    throw new Ec2Error('IdempotentParameterMismatch', 'The token came with other parameters before');
  }
  if (before) return before.reply;
  const reply = act();
  state.answers.set(key, { call, reply });
  return reply;
};
