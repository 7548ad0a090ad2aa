import type { NotificationType } from '../schema.ts';
import { type EmailSettings, emailSender } from './email.ts';
import { type MatrixSettings, matrixSender } from './matrix.ts';
import type { Sender } from './sender.ts';
import { type SlackSettings, slackSender } from './slack.ts';

export type { EmailSettings } from './email.ts';
export type { MatrixSettings } from './matrix.ts';
export { type Letter, Refusal, type Sender, ToldToWait } from './sender.ts';
export type { SlackSettings } from './slack.ts';

/** Ways out that an operator has configured. */
export interface SenderSettings {
  readonly email?: EmailSettings | undefined;
  readonly matrix?: MatrixSettings | undefined;
  readonly slack?: SlackSettings | undefined;
}

/** Types of notifications that leave the platform; the others are messages of its own. */
export type OutgoingType = Exclude<NotificationType, 'pulse'>;

export type Senders = Readonly<Record<OutgoingType, Sender | undefined>>;

/** The ways out, as far as they are configured. Nothing is opened before the first message. */
export const createSenders = ({ email, matrix, slack }: SenderSettings): Senders => ({
  email: email && emailSender(email),
  'matrix-room': matrix && matrixSender(matrix),
  'slack-channel': slack && slackSender(slack),
});
