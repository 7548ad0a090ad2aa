import jsone from 'json-e';

// A process of its own: a template may use up its time and memory without harm to the server.

/** One template, and its context; both as JSON. */
interface Request {
  readonly template: string;
  readonly context: string;
  readonly charactersMax: number;
}

const render = ({ template, context, charactersMax }: Request): { text: string } | { mistake: string } => {
  try {
    const text = JSON.stringify(jsone(JSON.parse(template), JSON.parse(context)) ?? null);
    return text.length > charactersMax ? { mistake: 'it renders to too much' } : { text };
  } catch (error) {
    return { mistake: (error as Error).message };
  }
};

process.on('message', (request: Request) => process.send?.(render(request)));
process.send?.('ready');
