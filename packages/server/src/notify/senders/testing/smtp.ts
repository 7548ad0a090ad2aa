import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

export interface TestSmtp {
  readonly url: string;
  /** The mails that arrived, in order. */
  readonly mails: ParsedMail[];
  /** Refuses the next commands of this kind with these codes, before it takes mails again. */
  failNext(stage: 'login' | 'recipient', ...codes: number[]): void;
  close(): Promise<void>;
}

/** A real SMTP server that wants a login. */
export const testSmtp = async (): Promise<TestSmtp> => {
  const mails: ParsedMail[] = [];
  const failures = { login: [] as number[], recipient: [] as number[] };
  const failure = (stage: keyof typeof failures): Error | undefined => {
    const code = failures[stage].shift();
    return code === undefined ? undefined : Object.assign(new Error('Not now'), { responseCode: code });
  };
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    onAuth: ({ username, password }, _session, done) => {
      const isKnown = username === 'yard' && password === 'hunter2';
      const error = failure('login') ?? (isKnown ? undefined : new Error('Who are you?'));
      if (error) done(error);
      else done(null, { user: username ?? '' });
    },
    onRcptTo: (_address, _session, done) => done(failure('recipient')),
    onData: (stream, _session, done) => {
      simpleParser(stream).then((mail) => {
        mails.push(mail);
        done();
      }, done);
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://yard:hunter2@127.0.0.1:${port}`,
    mails,
    failNext: (stage, ...codes) => void failures[stage].push(...codes),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
};
