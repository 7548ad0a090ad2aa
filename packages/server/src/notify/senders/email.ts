import type { Transporter } from 'nodemailer';
import type { EmailRequest } from '../schema.ts';
import { escapeHtml, markdownToHtml, safeHref } from './markdown.ts';
import { patienceMs, Refusal, type Sender } from './sender.ts';

export interface EmailSettings {
  /** `smtp://user:password@host:port`, or `smtps://` for a connection that is encrypted from its start. */
  readonly smtpUrl: string;
  /** The sender of the mails: an address, or `Name <address>`. */
  readonly from: string;
}

/** Sends mails by SMTP. The libraries are loaded at the first mail. */
export const emailSender = ({ smtpUrl, from }: EmailSettings): Sender => {
  let opened: Promise<Transporter> | undefined;
  const open = async (): Promise<Transporter> => {
    const { createTransport } = await import('nodemailer');
    return createTransport({
      url: smtpUrl,
      connectionTimeout: patienceMs,
      greetingTimeout: patienceMs,
      socketTimeout: patienceMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  };
  const domain = /@([^\s>]+)/.exec(from)?.[1] ?? 'localhost';
  return {
    send: async ({ key, address, message }) => {
      const email = message as EmailRequest;
      opened ??= open();
      const transport = await opened;
      const mail = {
        from,
        // As an object it is one address, whatever its text.
        to: { name: '', address },
        ...(email.replyTo ? { replyTo: { name: '', address: email.replyTo } } : {}),
        subject: email.subject,
        text: textPart(email),
        html: await htmlPart(email),
        messageId: `<${key}@${domain}>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
      };
      await transport.sendMail(mail).catch((error: unknown) => {
        throw isFinal(error) ? new Refusal((error as Error).message) : error;
      });
    },
  };
};

// 5xx means that the mail will never be accepted, unless the login was refused: that is for the operator to mend.
const isFinal = (error: unknown): boolean => {
  const { code, responseCode = 0 } = error as { code?: string; responseCode?: number };
  return code !== 'EAUTH' && responseCode >= 500 && responseCode < 600;
};

const footer = 'Sent by Taskyard, because a task, a hook or a program asked for it.';

const textPart = ({ content, link }: EmailRequest): string =>
  [content, ...(link ? [`${link.text}: ${link.href}`] : []), `-- \n${footer}`].join('\n\n');

const widths = { simple: '640px', fullscreen: '100%' } as const;

const button = ({ text, href }: { text: string; href: string }): string => {
  const safe = safeHref(href);
  return safe === undefined
    ? ''
    : `<p style="margin:24px 0"><a href="${escapeHtml(safe)}" style="display:inline-block;padding:10px 20px;` +
        `border-radius:4px;background:#1f5fbf;color:#fff;text-decoration:none;font-weight:600">` +
        `${escapeHtml(text)}</a></p>`;
};

const htmlPart = async ({ subject, content, link, template = 'simple' }: EmailRequest): Promise<string> =>
  [
    '<!doctype html><html><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(subject)}</title></head>`,
    '<body style="margin:0;padding:16px;font-family:sans-serif;font-size:15px;line-height:1.5;color:#222">',
    `<div style="max-width:${widths[template]};margin:0 auto">`,
    await markdownToHtml(content),
    link ? button(link) : '',
    `<p style="margin-top:32px;font-size:12px;color:#777">${footer}</p>`,
    '</div></body></html>',
  ].join('\n');
