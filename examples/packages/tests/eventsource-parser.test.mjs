import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createParser, ParseError } from 'eventsource-parser';
import { EventSourceParserStream } from 'eventsource-parser/stream';

/** All that a parser says about a stream that arrives in these chunks. */
const parse = (/** @type {string[]} */ ...chunks) => {
  /** @type {import('eventsource-parser').EventSourceMessage[]} */
  const events = [];
  /** @type {string[]} */
  const comments = [];
  /** @type {number[]} */
  const retries = [];
  /** @type {ParseError[]} */
  const errors = [];
  const parser = createParser({
    onEvent: (event) => void events.push(event),
    onComment: (comment) => void comments.push(comment),
    onRetry: (milliseconds) => void retries.push(milliseconds),
    onError: (error) => void errors.push(error),
  });
  for (const chunk of chunks) parser.feed(chunk);
  return { events, comments, retries, errors, parser };
};

describe('eventsource-parser', () => {
  it('reads an event with all its fields', () => {
    const { events } = parse('id: 7\nevent: news\ndata: hello\n\n');
    assert.deepEqual(events, [{ id: '7', event: 'news', data: 'hello' }]);
  });

  it('joins lines of data', () => {
    assert.equal(parse('data: one\ndata: two\ndata:\n\n').events[0]?.data, 'one\ntwo\n');
  });

  it('does not care where the chunks are cut', () => {
    const text = 'id: 1\ndata: caf\u00e9\n\ndata: second\r\n\r\ndata: third\n\n';
    const whole = parse(text).events;
    assert.equal(whole.length, 3);
    for (let cut = 1; cut < text.length; cut++) {
      assert.deepEqual(parse(text.slice(0, cut), text.slice(cut)).events, whole, `cut at ${cut}`);
    }
  });

  it('tells comments apart, as servers send to keep a connection alive', () => {
    const { events, comments } = parse(': ping\n\ndata: x\n\n');
    assert.deepEqual(comments, ['ping']);
    assert.equal(events.length, 1);
  });

  it('passes on the time to wait before connecting again', () => {
    assert.deepEqual(parse('retry: 2500\n\n').retries, [2500]);
  });

  it('reports a retry that is no number, and goes on', () => {
    const { errors, events } = parse('retry: soon\ndata: x\n\n');
    assert.ok(errors[0] instanceof ParseError);
    assert.equal(errors[0].type, 'invalid-retry');
    assert.equal(events.length, 1);
  });

  it('does not tell of an event without data', () => {
    assert.equal(parse('event: nothing\n\ndata: x\n\n').events.length, 1);
  });

  it('keeps an event that is not over to itself', () => {
    const { events, parser } = parse('data: half');
    assert.equal(events.length, 0);
    parser.reset();
    parser.feed('data: new\n\n');
    assert.equal(events[0]?.data, 'new');
  });

  it('works as a transform stream', async () => {
    const source = new ReadableStream({
      start: (controller) => {
        controller.enqueue('data: a\n\nda');
        controller.enqueue('ta: b\n\n');
        controller.close();
      },
    });
    /** @type {string[]} */
    const seen = [];
    const sink = new WritableStream({ write: (event) => void seen.push(event.data) });
    await source.pipeThrough(new EventSourceParserStream()).pipeTo(sink);
    assert.deepEqual(seen, ['a', 'b']);
  });
});
