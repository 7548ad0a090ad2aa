import { type Answer, RequestError, type Transaction } from '../../base/index.ts';
import type { Context } from '../context.ts';
import type { HookDefinition } from '../schema.ts';
import type { HookRow } from '../store.ts';
import type { Fired } from './fire-hooks.ts';
import { nameOf } from './naming.ts';
import type { Fire } from './prepare-fire.ts';

/** The address for errors of a hook; undefined when its owner wants no mail. */
const ownerOf = ({ metadata }: HookRow): string | undefined => {
  const { owner, emailOnError } = JSON.parse(metadata) as HookDefinition['metadata'];
  return emailOnError === false ? undefined : owner;
};

/** Mails errors to the owners who want that, in the transaction of fires that no caller waits for. */
export const mailOwners = async (
  context: Pick<Context, 'email'>,
  tx: Transaction,
  { fires, answers }: { fires: readonly Fire[]; answers: readonly Answer<Fired>[] },
): Promise<void> => {
  const mails = fires.flatMap((fire, i) => {
    const answer = answers[i];
    const owner = ownerOf(fire.hook);
    return answer instanceof RequestError && owner !== undefined ? [mailOf(fire, owner, answer)] : [];
  });
  if (mails.length > 0) await context.email(tx, mails);
};

/** Tells the owners of hooks whose schedule cannot be read that they do not fire by it any more. */
export const mailOwnersOfBroken = async (
  context: Pick<Context, 'email'>,
  tx: Transaction,
  broken: readonly { readonly hook: HookRow; readonly error: RequestError }[],
): Promise<void> => {
  const mails = broken.flatMap(({ hook, error }) => {
    const address = ownerOf(hook);
    const subject = `The hook ${nameOf(hook)} does not fire on schedule any more`;
    return address === undefined ? [] : [{ address, subject, content: contentOf(hook, error) }];
  });
  if (mails.length > 0) await context.email(tx, mails);
};

const contentOf = (hook: HookRow, error: RequestError): string =>
  [
    `The schedule of the hook \`${nameOf(hook)}\` cannot be read:`,
    quoted(error.message),
    'It fires by its schedule again once that is changed.',
  ].join('\n\n');

/** As Markdown shows it unchanged. */
const quoted = (text: string): string =>
  text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');

const mailOf = ({ hook, firedBy, taskId, at }: Fire, address: string, error: RequestError) => ({
  address,
  subject: `The hook ${nameOf(hook)} could not create its task`,
  content: [
    `The hook \`${nameOf(hook)}\` fired (${firedBy}, ${at.toJSON()}), and its task \`${taskId}\` was refused:`,
    quoted(error.message),
    'You get this mail because you are the owner of the hook. Set `emailOnError` in its metadata to `false` to get none.',
  ].join('\n\n'),
});
