import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { slugid } from '../../../base/index.ts';
import { type Letter, Refusal, type Sender } from '../sender.ts';

/** A sender, and the service that it sends to. */
export interface OpenedSender {
  readonly sender: Sender;
  /** The message of a letter; it holds the text. */
  messageOf(text: string): Letter['message'];
  readonly address: string;
  /** Makes the service refuse the next message: for now, or for good. */
  refuse(how: 'for now' | 'for good'): void;
  /** The texts that the service has taken. */
  received(): readonly string[];
  close(): Promise<void>;
}

/** Tests that every sender passes: with a service that accepts a message, and with one that does not. */
export const senderSuite = (name: string, open: () => Promise<OpenedSender>): void => {
  describe(`a sender (${name})`, () => {
    let opened: OpenedSender;
    const letter = (text: string): Letter => ({
      key: slugid(),
      address: opened.address,
      message: opened.messageOf(text),
    });
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());

    it('delivers messages in the order in which they are sent', async () => {
      for (const text of ['first', 'second']) await opened.sender.send(letter(text));
      assert.deepEqual(opened.received(), ['first', 'second']);
    });

    it('sends nothing but what it is given', async () => {
      const text = 'Grüße <b>&amp;</b> "quoted" \u{1F600}';
      await opened.sender.send(letter(text));
      assert.deepEqual(opened.received(), [text]);
    });

    it('tells a message that is never taken from one that can be sent later', async () => {
      opened.refuse('for good');
      await assert.rejects(opened.sender.send(letter('never')), Refusal);
      opened.refuse('for now');
      await assert.rejects(
        opened.sender.send(letter('later')),
        (error: unknown) => !(error instanceof Refusal),
      );
      assert.deepEqual(opened.received(), []);
    });

    it('sends again after a refusal, by the same sender', async () => {
      opened.refuse('for now');
      const again = letter('again');
      await assert.rejects(opened.sender.send(again));
      await opened.sender.send(again);
      assert.deepEqual(opened.received(), ['again']);
    });

    it('lets a message be sent later when the service is away', async () => {
      const lost = letter('lost');
      await opened.close();
      await assert.rejects(opened.sender.send(lost), (error: unknown) => !(error instanceof Refusal));
    });
  });
};
