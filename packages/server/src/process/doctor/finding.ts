/** What a check has found: that something is right, that it may become wrong, or that it is wrong. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'error';
  readonly message: string;
  /** What to do about it. */
  readonly todo?: string;
}

export const ok = (message: string): Finding => ({ level: 'ok', message });
export const warning = (message: string, todo: string): Finding => ({ level: 'warning', message, todo });
export const fault = (message: string, todo: string): Finding => ({ level: 'error', message, todo });
