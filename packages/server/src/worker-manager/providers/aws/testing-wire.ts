import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

/** An answer of EC2: XML with its status, a connection that breaks, or no answer at all. */
export type WireAnswer = { readonly status: number; readonly xml: string } | 'breaks' | 'silence';

/** The answer that an action went well, with these elements in it. */
export const answered = (action: string, content = ''): WireAnswer => ({
  status: 200,
  xml: `<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>${content}</${action}Response>`,
});

/** The answer of EC2 to a call that it does not do. */
export const failed = (code: string, status = 400, message = code): WireAnswer => ({
  status,
  xml: `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>r</RequestID></Response>`,
});

/**
 * Something that answers what a test says, call by call: for what EC2 does on the wire that no cloud of ours does. It
 * looks at no signature.
 */
export const aWire = async (
  t: TestContext,
  answer: (action: string, parameters: URLSearchParams) => WireAnswer,
) => {
  const calls: { readonly action: string; readonly parameters: URLSearchParams }[] = [];
  const server = createServer(async (request, response) => {
    const parameters = new URLSearchParams(await text(request));
    const action = parameters.get('Action') ?? '';
    calls.push({ action, parameters });
    const reply = answer(action, parameters);
    if (reply === 'breaks') response.destroy();
    else if (reply !== 'silence')
      response.writeHead(reply.status, { 'content-type': 'text/xml' }).end(reply.xml);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const settings = {
    providerType: 'aws',
    endpoint: `http://127.0.0.1:${port}`,
    accessKeyId: 'AKIATEST',
    secretAccessKey: 'secret',
  } as const;
  return {
    settings,
    calls,
    count: (action: string) => calls.filter((call) => call.action === action).length,
  };
};
